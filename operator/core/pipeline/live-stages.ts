import { waitingReasons, type Condition, type Reason } from '../../api/resources/conditions.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { isChangedByHand } from '../asked-for.ts';
import { hasNotEnded } from '../attempts.ts';
import type { PipelineSituation } from './pipeline-situation.ts';
import { stagesAfter } from './plan.ts';

/** A stage object with what its condition means now. */
export interface StageState {
  readonly object: R1Stage | undefined;
  readonly succeeded: Condition | undefined;
}

/** It exists, has not reached its end, and does not rest suspended. */
export function isLive({ object, succeeded }: StageState): boolean {
  if (object === undefined || (succeeded?.status ?? 'Unknown') !== 'Unknown') return false;
  return !(object.spec.suspend && !isAtWork(object) && knowsThatItRests(object, succeeded));
}

/** Its status is no older than the wish that it rests: one from an earlier rest knows nothing of what began since. */
function knowsThatItRests(object: R1Stage, succeeded: Condition | undefined): boolean {
  return succeeded?.reason === 'Suspended' && isUpToDate(object);
}

function isUpToDate({ metadata, status }: R1Stage): boolean {
  return status !== undefined && status.observedGeneration === metadata.generation;
}

/** One of its attempts has not ended. */
function isAtWork({ status }: R1Stage): boolean {
  const newest = status?.attempts.at(-1);
  return newest !== undefined && hasNotEnded(newest);
}

/** It cannot go on before an earlier stage has made its output again: until then it takes nobody's place. */
function waitsForInputs({ object, succeeded }: StageState): boolean {
  if (object === undefined || isAtWork(object)) return false;
  return succeeded?.reason === 'WaitingForInputs' || waitsToBePutBack(object);
}

/** Somebody changed it, and what its pipeline asks for cannot be said without its inputs. */
function waitsToBePutBack(object: R1Stage): boolean {
  return isChangedByHand(object) && isUpToDate(object);
}

/** All that it still needs is in the hands of people: whatever else there is to do can be done meanwhile. */
function waitsForPerson({ succeeded }: StageState): boolean {
  return succeeded?.reason === 'WaitingForPerson';
}

/** Stages of the pipeline that are live, those that left its manifest among them. */
export function liveStages({ views, removed }: PipelineSituation): StageState[] {
  return [...views, ...removed].filter(isLive);
}

/** Those of them that may still come to an end while nothing new is started. */
export function endingStages(situation: PipelineSituation): string[] {
  return liveStages(situation)
    .filter((each) => !waitsForInputs(each))
    .flatMap(({ object }) => object?.spec.stage ?? []);
}

/**
 * Whether one more stage may run. A stage that waits for this very one leaves it its place, and takes it back when that has
 * ended; against all others it keeps it. One that waits for people takes no place, unless nobody else could mount its volume.
 *
 * @param starting those that are started in the same pass
 */
export function hasRoomFor(stage: string, situation: PipelineSituation, starting: readonly string[] = []): boolean {
  const { observed, pipeline } = situation;
  const after = new Set(stagesAfter(pipeline, [stage]));
  const busy = liveStages(situation).flatMap((each) => {
    const name = each.object?.spec.stage ?? '';
    if (name === stage || (waitsForInputs(each) && after.has(name))) return [];
    return waitsForPerson(each) && observed.reviewsTakePlace === undefined ? [] : [name];
  });
  return new Set([...busy, ...starting]).size < observed.maxRunningStages;
}

/** What the stages are at, in one word: a pipeline of which nothing runs does not say that it does. */
export function liveReason(situation: PipelineSituation): Reason {
  const live = liveStages(situation);
  const runs = live.some(({ object }) => object?.status?.attempts.at(-1)?.outcome === 'Running');
  if (live.length > 0 && live.every(waitsForPerson)) return 'WaitingForPerson';
  if (runs)
    return live.every(({ succeeded }) => succeeded?.reason === 'AttemptStopping') ? 'AttemptStopping' : 'StageRunning';
  const reasons = live.map(({ succeeded }) => succeeded?.reason);
  const known: readonly Reason[] = [...waitingReasons, 'BackingOff', 'AttemptStopping', 'WaitingForInputs'];
  return known.find((each) => reasons.includes(each)) ?? 'Pending';
}
