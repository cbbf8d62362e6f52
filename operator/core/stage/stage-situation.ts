import type { AttemptRecord } from '../../api/resources/stage.ts';
import { recordAttempts, spentOn, type Spending } from '../attempts.ts';
import type { AttemptObserved, StageObserved } from '../observed.ts';
import { retryPolicy, type RetryPolicy } from '../retry.ts';

/** What the rules look at. */
export interface StageSituation {
  readonly now: number;
  readonly observed: StageObserved;
  readonly records: readonly AttemptRecord[];
  /** The newest record. */
  readonly last: AttemptRecord | undefined;
  /** The attempt that has not ended. */
  readonly live: AttemptObserved | undefined;
  readonly retry: RetryPolicy;
  readonly spent: Spending;
}

/** Puts everything that the rules look at into one place. */
export function surveyStage(observed: StageObserved): StageSituation {
  const { now, stage, attempts, damage } = observed;
  let records = recordAttempts(stage, attempts, now);
  const newest = records.at(-1);
  if (damage !== undefined && newest?.outcome === 'Succeeded') {
    const message = `its checkpoint was damaged later: ${damage}`.slice(0, 2000);
    records = [...records.slice(0, -1), { ...newest, outcome: 'Interrupted', message }];
  }
  return {
    now,
    observed,
    records,
    last: records.at(-1),
    live: attempts.find(({ state }) => state !== 'ended'),
    retry: retryPolicy(stage.spec.retry),
    spent: spentOn(stage, records, now),
  };
}
