import type { R1Stage } from '../../api/resources/stage.ts';
import { exhausted } from '../budget.ts';
import { heldInWords } from '../deletion.ts';
import { endingStages, liveStages, type StageState } from './live-stages.ts';
import type { PipelineAction, Verdict } from './pipeline-decision.ts';
import type { PipelineSituation } from './pipeline-situation.ts';

/**
 * What has to end, whatever else is to be said of the pipeline: all of it by the user's wish or as the budget is spent, and
 * stages that left the manifest, which keep what they made in case that they come back, but no GPU.
 */
export function stopStages(situation: PipelineSituation): PipelineAction[] {
  const { views, removed } = situation;
  const stopped: readonly StageState[] = mustRest(situation) ? [...views, ...removed] : removed;
  return stopped.flatMap(({ object, succeeded }) =>
    object !== undefined && !object.spec.suspend && (succeeded?.status ?? 'Unknown') === 'Unknown' && !isGoing(object)
      ? [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: true }]
      : [],
  );
}

/** Nothing may start. */
export function mustRest(situation: PipelineSituation): boolean {
  const { metadata, spec } = situation.pipeline;
  return spec.suspend || heldInWords(metadata) !== undefined || spentBudget(situation) !== undefined;
}

export function restWhileSuspended(situation: PipelineSituation): Verdict | undefined {
  return situation.pipeline.spec.suspend ? rest(situation, 'suspended by spec.suspend') : undefined;
}

/** What it owns is collected only once it is gone, and would go on until then. */
export function restWhileDeleted(situation: PipelineSituation): Verdict | undefined {
  const message = heldInWords(situation.pipeline.metadata);
  return message === undefined ? undefined : rest(situation, message);
}

function rest(situation: PipelineSituation, message: string): Verdict {
  const live = liveStages(situation).flatMap(({ object }) => object?.spec.stage ?? []);
  if (live.length === 0) return { status: 'Unknown', reason: 'Suspended', message };
  return { status: 'Unknown', reason: 'AttemptStopping', message: `${message}; ${live.join(', ')} saves and ends` };
}

export function failWhenBudgetIsSpent(situation: PipelineSituation): Verdict | undefined {
  const message = spentBudget(situation);
  if (message === undefined) return undefined;
  if (liveStages(situation).length === 0) return { status: 'False', reason: 'BudgetExhausted', message };
  return { status: 'Unknown', reason: 'AttemptStopping', message: `${message}; running stages save and end` };
}

/** Stages that left the manifest, as long as they have not come to rest. */
export function waitForRemovedStages(situation: PipelineSituation): Verdict | undefined {
  const ending = new Set(endingStages(situation));
  const names = situation.removed.map(({ object }) => object.spec.stage).filter((name) => ending.has(name));
  if (names.length === 0) return undefined;
  return { status: 'Unknown', reason: 'AttemptStopping', message: `stage ${names.join(', ')} left the manifest` };
}

function spentBudget({ pipeline, spent }: PipelineSituation): string | undefined {
  return exhausted(pipeline.spec.budget, spent);
}

/** It is being deleted, and its attempts with it. */
function isGoing({ metadata }: R1Stage): boolean {
  return metadata.deletionTimestamp !== undefined;
}
