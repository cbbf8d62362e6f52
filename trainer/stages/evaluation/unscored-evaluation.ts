import type { Metrics } from '../workspace/metrics.ts';
import type { Warnings } from '../workspace/warnings.ts';

/**
 * Warns of an evaluation in which a verifier failed at some completions, until the next one in which it did not: its figures are of a
 * part, and gates count the rest against them.
 *
 * @param step of the model
 */
export function warnOfUnscoredEvaluation(step: number, metrics: Metrics, warnings: Warnings): void {
  const parts = Object.entries(metrics).filter(([name]) => /^eval(_train)?\/unscored_frac$/.test(name));
  if (parts.length === 0) return warnings.withdraw(reason);
  const shares = parts.map(([name, share]) => `${name} is ${Number(share.toPrecision(3))}`).join(', ');
  warnings.warn(
    reason,
    `at step ${step} a verifier failed at some completions, which the figures leave out and gates count against them: ${shares}; the log of the stage says why`,
  );
}

const reason = 'EvaluationUnscored';
