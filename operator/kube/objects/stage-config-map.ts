import { attemptName } from '../../core/names.ts';
import { stageFile } from '../../core/plan.ts';
import type { ConfigMap } from '../resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, stageLabels } from './labels.ts';
import { placesInPod } from './layout.ts';

/** What the trainer of one attempt is told. */
export function stageConfigMap({ stage, number }: Pick<Attempt, 'stage' | 'number'>): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: attemptName(stage.metadata.name, number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    data: { 'stage.json': JSON.stringify(stageFile(stage, number, placesInPod(stage, number))) },
  };
}
