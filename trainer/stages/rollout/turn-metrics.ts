import { mean } from '../../algorithms/statistics.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import type { Scored } from './draw-groups.ts';
import type { Metrics } from '../workspace/metrics.ts';

type Turned = Pick<Scored, 'calls' | 'failedCalls' | 'tries' | 'verdict'>;

/** `tools/call_frequency`, calls per completion, and `tools/failure_frequency`, the share of them that failed, as TRL names them. */
export function toolMetrics(completions: readonly Pick<Scored, 'calls' | 'failedCalls'>[]): Metrics {
  const calls = sum(completions.map((each) => each.calls));
  const failed = sum(completions.map(({ failedCalls }) => failedCalls));
  return {
    'tools/call_frequency': calls / completions.length,
    'tools/failure_frequency': calls === 0 ? 0 : failed / calls,
  };
}

/**
 * What of a rollout is said of its further turns: the figures of its tools; `refine/first_accuracy` and `refine/last_accuracy`, the share of completions whose first and whose
 * last try is right, and `refine/tries`, further tries per completion.
 */
export function turnMetrics(
  { tools, refine }: Pick<GrpoSettings, 'tools' | 'refine'>,
  completions: readonly Turned[],
): Metrics {
  const judged = completions.filter(({ verdict }) => verdict.outcome !== 'abstain');
  const right = judged.filter(({ verdict }) => verdict.outcome === 'correct');
  return {
    ...(tools && toolMetrics(completions)),
    ...(refine &&
      judged.length > 0 && {
        'refine/first_accuracy': right.filter(({ tries }) => tries === 0).length / judged.length,
        'refine/last_accuracy': right.length / judged.length,
        'refine/tries': mean(completions.map(({ tries }) => tries)),
      }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
