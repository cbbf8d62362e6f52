import { attemptName, digestOf } from '../../core/names.ts';
import { stageFile } from '../../core/pipeline/plan.ts';
import type { ConfigMap } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, stageLabels } from './labels.ts';
import { placesInPod } from './layout.ts';

type Told = Pick<Attempt, 'stage' | 'number' | 'goneRuns'>;

/** What the trainer of one attempt is told. */
export function stageConfigMap(attempt: Told): ConfigMap {
  const { stage } = attempt;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: stageConfigMapName(attempt),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    data: { 'stage.json': JSON.stringify(fileOf(attempt)) },
  };
}

/**
 * It says what is inside: when the settings change after a start that got no further than this, the next start makes
 * another one.
 */
export function stageConfigMapName(attempt: Told): string {
  const { stage, number } = attempt;
  return `${attemptName(stage.metadata.name, number)}-${digestOf(fileOf(attempt)).slice(0, 8)}`;
}

function fileOf({ stage, number, goneRuns }: Told) {
  return stageFile(stage, number, placesInPod(stage, number, goneRuns));
}
