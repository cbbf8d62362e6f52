import type { Schedule } from '../contract/settings/training.ts';

/**
 * Learning rate of one optimizer step: linear warm-up from zero, then from `peak` at its end (or at step 1) to
 * `final · peak` at the last step, along a line or half a cosine; `constant` stays at `peak`.
 *
 * @param step 1 … steps
 */
export function learningRateAt(
  { kind, warmupSteps, final }: Schedule,
  peak: number,
  step: number,
  steps: number,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const start = Math.max(1, warmupSteps);
  const progress = steps > start ? Math.min(1, (step - start) / (steps - start)) : 0;
  const shape = {
    constant: 1,
    linear: 1 - (1 - final) * progress,
    cosine: final + ((1 - final) * (1 + Math.cos(Math.PI * progress))) / 2,
  };
  return peak * shape[kind];
}
