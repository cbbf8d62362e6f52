import { reviewSecretName } from '../../core/names.ts';
import type { Secret } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, stageLabels } from './labels.ts';
import { reviewTokenKey } from './layout.ts';

/** What the page of a review asks of whoever opens it, for all attempts of its stage. */
export function reviewSecret({ stage }: Pick<Attempt, 'stage'>, token: string): Secret {
  const { name, namespace, uid = '' } = stage.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: reviewSecretName(name, uid),
      ...(namespace === undefined ? {} : { namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    immutable: true,
    stringData: { [reviewTokenKey]: token },
  };
}
