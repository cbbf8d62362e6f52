import { rolloutJobName } from '../../core/names.ts';
import type { NetworkPolicy } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, podSelector, stageLabels } from './labels.ts';
import { rolloutPort } from './layout.ts';

/** Only the rollout workers of an attempt may reach its learner. */
export function rolloutNetworkPolicy({ stage, number }: Pick<Attempt, 'stage' | 'number'>): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: rolloutJobName(stage.metadata.name, number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    spec: {
      podSelector: { matchLabels: podSelector(stage, number, 'trainer') },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: podSelector(stage, number, 'rollout-worker') } }],
          ports: [{ protocol: 'TCP', port: rolloutPort }],
        },
      ],
    },
  };
}
