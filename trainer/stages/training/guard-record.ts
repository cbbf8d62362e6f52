import { guardFigure } from '../../contract/settings/guard.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { metricsOfJudge } from '../policy/judges.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import type { KeptGuard } from './resume-state.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** The figures of the last look, under the names of docs/reference/metrics.md. */
export function guardMetrics({ file }: Workspace, { last, good, asked }: KeptGuard): Metrics {
  const { score, standardError, change } = last;
  const figure = guardFigure(file.settings.grpo?.guard ?? {});
  return {
    [`guard/${figure}`]: score,
    [`guard/${figure}_stderr`]: standardError,
    ...(change && {
      'guard/change': change.mean,
      'guard/change_low': change.low,
      'guard/change_high': change.high,
    }),
    'guard/good_step': good.step,
    ...(asked && prefixed('guard', metricsOfJudge(asked))),
  };
}

const remedies = {
  RewardDiverged: 'the reward pays for something else than what the guard looks at: look at the samples and change it',
  GuardFell: 'lower learningRate or raise kl.coefficient',
} as const;

/** What the guard has found and what follows from it, in words; nothing while all is well. */
export function guardMessage(guard: KeptGuard, onRegression: Consequence): string | undefined {
  const { alarm, good } = guard;
  if (alarm === undefined) return undefined;
  const follows = { Stop: 'stopped', Rollback: `rolled back to step ${good.step}`, Continue: 'goes on all the same' };
  return `${alarm.message}: ${follows[onRegression]}; ${remedies[alarm.reason]}`;
}
type Consequence = NonNullable<GrpoSettings['guard']>['onRegression'];

/** Warns of what the guard has found, and of nothing else. */
export function warnOfGuard({ file, warnings }: Workspace, guard: KeptGuard): void {
  for (const reason of ['RewardDiverged', 'GuardFell'] as const) {
    const message = guardMessage(guard, file.settings.grpo?.guard?.onRegression ?? 'Stop');
    if (message !== undefined && guard.alarm?.reason === reason) warnings.warn(reason, message);
    else warnings.withdraw(reason);
  }
}
