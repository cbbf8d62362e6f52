import type { R1Stage } from '../../api/stage.ts';
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
