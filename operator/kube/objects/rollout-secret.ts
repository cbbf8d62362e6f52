import { rolloutSecretName } from '../../core/names.ts';
import type { Secret } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, stageLabels } from './labels.ts';
import { rolloutTokenKey } from './layout.ts';

/** What the learner of an attempt and its rollout workers share. */
export function rolloutSecret({ stage, number }: Pick<Attempt, 'stage' | 'number'>, token: string): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: rolloutSecretName(stage.metadata.name, stage.metadata.uid ?? '', number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    stringData: { [rolloutTokenKey]: token },
  };
}
