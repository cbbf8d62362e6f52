import type { GrpoSettings } from './settings.ts';

/** Optimizer steps that learn from one rollout: its mini-batches, each as often as it is trained on. */
export function updatesPerRollout({
  stepsPerRollout,
  epochsPerRollout,
}: Pick<GrpoSettings, 'stepsPerRollout' | 'epochsPerRollout'>): number {
  return stepsPerRollout * epochsPerRollout;
}
