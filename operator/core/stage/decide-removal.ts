import type { AttemptRecord } from '../../api/resources/stage.ts';
import { hasNotEnded } from '../attempts.ts';
import type { StageObserved } from '../observed.ts';

/** What is left of an attempt that counts as ended has to go. */
export interface RemovalAction {
  readonly kind: 'RemoveAttempt';
  readonly attempt: number;
  /** What its pods get to end, if not what the trainer gets to save. */
  readonly graceSeconds?: number;
}

/** Beside a trainer that has ended nothing is left to save; what heeds no signal would hold the GPUs for as long as that may take. */
const outlivedGraceSeconds = 10;

/**
 * What nobody else would ever end, or would end too late: a process beside a trainer that has ended, which holds its GPUs
 * for ever; an attempt whose node never answered, as soon as another one takes its place; and one that a deposed operator has
 * made again after its end. Its traces go with it, so its end is recorded before.
 *
 * @param started the attempt that is about to start
 */
export function decideRemoval(
  { leftovers = [] }: StageObserved,
  records: readonly AttemptRecord[],
  started: number | undefined,
): RemovalAction[] {
  const ended = new Set(records.filter((each) => !hasNotEnded(each)).map(({ number }) => number));
  return leftovers
    .filter(
      ({ attempt, isOutlived, isUnended }) =>
        attempt < (started ?? 0) || ((isOutlived || isUnended) && ended.has(attempt)),
    )
    .map(({ attempt, isOutlived }) => ({
      kind: 'RemoveAttempt',
      attempt,
      ...(isOutlived && { graceSeconds: outlivedGraceSeconds }),
    }));
}
