import type { R1Stage } from '../../api/resources/stage.ts';
import { isStageOf } from '../../core/stage-runs.ts';
import type { Job, Pod, Stored } from '../client/resources.ts';
import { attemptLabels } from './labels.ts';

export function isTrainer({ metadata }: Stored<Job> | Stored<Pod>): boolean {
  return metadata.labels?.[attemptLabels.component] === 'trainer';
}

/** An object within its namespace: what another namespace labels with its uid is not its own. */
export function idOf({
  metadata,
}: {
  readonly metadata: { readonly namespace: string; readonly uid: string };
}): string {
  return `${metadata.namespace}/${metadata.uid}`;
}

/** The `idOf` of the stage that a Job or pod belongs to. */
export function stageIdOf({ metadata }: Stored<Job> | Stored<Pod>): string {
  return `${metadata.namespace}/${metadata.labels?.[attemptLabels.stageUid] ?? ''}`;
}

/** The pipeline that made a stage. */
export function ownerOf(metadata: R1Stage['metadata']): { readonly name: string; readonly uid: string } | undefined {
  const owners = metadata['ownerReferences'] as { readonly kind: string; name: string; uid: string }[] | undefined;
  return owners?.find(({ kind }) => kind === 'R1Pipeline');
}

/** The pipeline that a stage names, within its namespace: copies of stages, and stages that were applied alone, name one, too. */
export function namedPipelineOf({ metadata, spec }: Stored<R1Stage>): string {
  return `${metadata.namespace} ${spec.pipeline}`;
}

/** All stages of its pipeline, itself included; none of one that was applied without a pipeline. */
export function siblingsOf(
  { metadata }: Stored<R1Stage>,
  stages: { byIndex(pipelineId: string): readonly Stored<R1Stage>[] },
): readonly Stored<R1Stage>[] {
  const owner = ownerOf(metadata);
  if (owner === undefined) return [];
  const owned = stages.byIndex(idOf({ metadata: { namespace: metadata.namespace, uid: owner.uid } }));
  return owned.filter((each) => isStageOf(owner.name, each));
}
