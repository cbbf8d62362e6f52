import { annotations } from '../../operator/api/metadata.ts';
import type { R1Pipeline } from '../../operator/api/pipeline.ts';
import { UserError } from '../../trainer/contract/errors.ts';
import { changePipeline } from './change-pipeline.ts';
import type { Cluster } from './cluster.ts';

/**
 * Lets a pipeline go on behind a gate that waits for a person.
 *
 * @returns what happened, in words
 */
export async function approveOnCluster(cluster: Cluster, name: string, stage: string): Promise<string> {
  const pipeline = await changePipeline(cluster, name, (now) => {
    requireOpenGate(now, stage);
    const approved = approvedStages(now);
    if (approved.includes(stage)) return undefined;
    return { metadata: { annotations: { [annotations.approved]: [...approved, stage].join(',') } } };
  });
  const waits = pipeline.status?.gates.some((each) => each.stage === stage && each.action === 'Waiting') ?? false;
  const then = waits ? 'the pipeline goes on' : 'it will not wait when the stage has succeeded';
  return `${name}: the gate of ${stage} is approved; ${then}`;
}

function approvedStages({ metadata }: R1Pipeline): string[] {
  const given = metadata.annotations?.[annotations.approved] ?? '';
  return given
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** @throws UserError when no person is asked at this gate, or it has been decided */
function requireOpenGate({ metadata, spec, status }: R1Pipeline, stage: string): void {
  const waiting = spec.stages.filter(({ gate }) => gate?.approval === true || gate?.onFailure === 'Wait');
  const names = waiting.map((each) => each.name);
  if (!names.includes(stage)) {
    const found = spec.stages.find((each) => each.name === stage);
    const what =
      found === undefined
        ? `found no stage "${stage}"`
        : found.gate === undefined
          ? `found no gate at ${stage}`
          : `found a gate at ${stage} that asks no person (onFailure: ${found.gate.onFailure})`;
    const known = names.length === 0 ? 'none of its gates waits for a person' : `expected one of ${names.join(', ')}`;
    throw new UserError(`pipeline ${metadata.name}: ${what}; ${known}`);
  }
  const decision = status?.gates.find((each) => each.stage === stage);
  if (decision !== undefined && !['Waiting', 'Approved'].includes(decision.action)) {
    throw new UserError(
      `pipeline ${metadata.name}: the gate of ${stage} was decided before (${decision.action}): ${decision.message}`,
    );
  }
}
