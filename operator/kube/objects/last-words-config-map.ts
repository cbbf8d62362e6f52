import type { R1Stage } from '../../api/resources/stage.ts';
import type { ConfigMap, Pod, Stored } from '../client/resources.ts';
import { attemptLabels, completionIndexLabel, ownedBy, stageLabels } from './labels.ts';

/** Under which the end of a log lies in its ConfigMap. */
export const lastWordsKey = 'log';

/** The end of the log of a pod that is gone; `r1 logs` finds it by its labels, which are those of the pod. */
export function lastWordsConfigMap(stage: R1Stage, { metadata }: Stored<Pod>, log: string): ConfigMap {
  const { labels = {} } = metadata;
  const kept = [attemptLabels.attempt, attemptLabels.component, completionIndexLabel];
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `${metadata.name}-log`,
      namespace: metadata.namespace,
      labels: {
        ...stageLabels(stage),
        ...Object.fromEntries(kept.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]]))),
      },
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    data: { [lastWordsKey]: log },
  };
}
