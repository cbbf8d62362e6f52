import { labels } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import type { VolumeClaim } from '../client/resources.ts';
import { madeByAnnotation, madeFromAnnotation, managedBy, ownedBy } from './labels.ts';
import { claimName, digestOf } from '../../core/names.ts';

/**
 * The claim of a pipeline. It is deleted with its owner, unless it is to be retained; that of a pipeline that fails is let
 * go later.
 *
 * @param owner the pipeline, or a stage that was applied without one
 */
export function volumeClaim(owner: R1Pipeline | R1Stage): VolumeClaim {
  const pipeline = owner.kind === 'R1Stage' ? owner.spec.pipeline : owner.metadata.name;
  const { size, storageClassName, accessMode, retention } = owner.spec.storage;
  // Other stages that were applied alone may use the same claim by its name.
  const spec: NonNullable<VolumeClaim['spec']> = {
    accessModes: [accessMode],
    ...(storageClassName === undefined ? {} : { storageClassName }),
    resources: { requests: { storage: String(size) } },
  };
  const stays = retention === 'Retain' || (retention === 'RetainFailed' && owner.kind === 'R1Stage');
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(pipeline),
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      labels: {
        'app.kubernetes.io/name': 'r1-pipeline',
        'app.kubernetes.io/part-of': pipeline,
        ...managedBy,
        [labels.pipeline]: pipeline,
      },
      annotations: { [madeByAnnotation]: owner.metadata.uid ?? '', [madeFromAnnotation]: digestOf(spec) },
      ...(stays ? {} : { ownerReferences: ownedBy(owner) }),
    },
    spec,
  };
}

/** It was made for this pipeline, or for a stage that was applied without one. */
export function isMadeFor({ metadata }: VolumeClaim, { uid }: { readonly uid?: string | undefined }): boolean {
  return uid !== undefined && metadata?.annotations?.[madeByAnnotation] === uid;
}

/** It is deleted with this owner. */
export function goesWith({ metadata }: VolumeClaim, owner: { readonly uid?: string | undefined }): boolean {
  return metadata?.ownerReferences?.some(({ uid }) => uid === owner.uid) === true;
}

/** There is no volume behind it yet, and so nothing on it. */
export function wasNeverBound({ spec, status }: VolumeClaim): boolean {
  return spec?.volumeName === undefined && status?.phase === 'Pending';
}

/** It was made for the same owner with other settings than those of now, which a claim cannot take. */
export function isOutdated(claim: VolumeClaim, wanted: VolumeClaim): boolean {
  const [has, asks] = [claim, wanted].map(({ metadata }) => metadata?.annotations ?? {});
  return (
    has?.[madeByAnnotation] === asks?.[madeByAnnotation] &&
    has?.[madeFromAnnotation] !== undefined &&
    has[madeFromAnnotation] !== asks?.[madeFromAnnotation]
  );
}
