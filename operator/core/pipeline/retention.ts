import { findCondition, succeededStatus } from '../../api/resources/conditions.ts';
import type { PipelineStatus, R1Pipeline } from '../../api/resources/pipeline.ts';
import { claimName } from '../names.ts';
import type { PipelineAction, PipelineDecision } from './pipeline-decision.ts';
import type { PipelineSituation } from './pipeline-situation.ts';

/** The claim that was made for a pipeline stays when the pipeline is deleted. */
export function staysOnItsOwn({ storage }: R1Pipeline['spec'], status: PipelineEnd | undefined): boolean {
  if (storage.claimName !== undefined) return false;
  return storage.retention === 'Retain' || (storage.retention === 'RetainFailed' && isNotAsAskedFor(status));
}

type PipelineEnd = Pick<PipelineStatus, 'conditions' | 'gates'>;

/** It has failed, or a bound was not kept and nobody has approved that: whoever looks into it needs what was made. */
function isNotAsAskedFor(status: PipelineEnd | undefined): boolean {
  if (succeededStatus(status?.conditions) === 'False') return true;
  const gates = status?.gates ?? [];
  return gates.some(({ metric, passed, action }) => metric !== undefined && !passed && action !== 'Approved');
}

const untilToldMs = 1000;

/**
 * Has the volume stay, or go with the pipeline, as its manifest and its end ask for; the status says so once it is done. As long as the
 * status says that the pipeline has failed, who deletes it may count on what stays then. What the volume is like counts, not what was
 * said of it: an operator that leads no more may have changed it since.
 */
export function retainVolume({ observed, pipeline }: PipelineSituation, decided: PipelineDecision): PipelineDecision {
  const { now, volume } = observed;
  const wanted = staysOnItsOwn(pipeline.spec, decided.status);
  const stays = volume?.stays ?? pipeline.status?.volumeRetained === true;
  const isPromised = staysOnItsOwn(pipeline.spec, pipeline.status);
  if (stays && !wanted && isPromised) return later(saying(true, decided), untilToldMs);
  if (wanted === stays) return saying(wanted, decided);
  if (volume?.refusal !== undefined) return later(saying(stays, decided), volume.refusal.until - now);
  const actions: readonly PipelineAction[] = [...decided.actions, { kind: 'RetainVolume', retain: wanted }];
  return { ...saying(wanted, decided), actions };
}

function saying(stays: boolean, decided: PipelineDecision): PipelineDecision {
  return { ...decided, status: { ...decided.status, ...(stays && { volumeRetained: true as const }) } };
}

function later(decided: PipelineDecision, ms: number): PipelineDecision {
  return { ...decided, recheckAfterMs: Math.min(decided.recheckAfterMs ?? Infinity, Math.max(100, ms)) };
}

/**
 * Adds the end of a pipeline that ended some time ago; its end can always be seen before it is gone. One whose manifest does
 * not fit its work any more has not ended, whatever its condition says: stages may run, and a person is to decide.
 */
export function expire(
  { observed: { now }, pipeline }: PipelineSituation,
  decided: PipelineDecision,
): PipelineDecision {
  const { completedAt, conditions } = decided.status;
  const succeeded = findCondition(conditions, 'Succeeded');
  const hasFailed = succeeded?.status === 'False';
  const field = hasFailed ? 'ttlSecondsAfterFailed' : 'ttlSecondsAfterFinished';
  const ttlSeconds = pipeline.spec[field];
  if (ttlSeconds === undefined || completedAt === undefined || succeeded?.reason === 'StageChanged') return decided;
  if (pipeline.metadata.deletionTimestamp !== undefined) return decided;
  const leftMs = Date.parse(completedAt) + ttlSeconds * 1000 - now;
  const told = pipeline.status?.completedAt !== undefined;
  if (!told || leftMs > 0) return later(decided, leftMs);
  const why = `it ${hasFailed ? 'failed' : 'succeeded'} ${ttlSeconds} seconds ago (spec.${field}); ${fateOfVolume(pipeline).words}`;
  const action: PipelineAction = { kind: 'DeletePipeline', why };
  return { ...decided, actions: [...decided.actions, action] };
}

/** Whether the checkpoints go with a pipeline that is deleted as it is now, and what becomes of them in words. */
export function fateOfVolume({ metadata, spec, status }: R1Pipeline): {
  readonly goes: boolean;
  readonly words: string;
} {
  const { claimName: given, retention } = spec.storage;
  if (given !== undefined) return { goes: false, words: `its checkpoints stay on the claim ${given}` };
  const goes = !staysOnItsOwn(spec, status);
  const claim = `the claim ${claimName(metadata.name)} (storage.retention: ${retention})`;
  return { goes, words: `its checkpoints ${goes ? 'go with' : 'stay on'} ${claim}` };
}
