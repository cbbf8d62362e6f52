import { learnerServiceName } from '../../core/names.ts';
import type { Service } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { ownedBy, podSelector, stageLabels } from './labels.ts';
import { rolloutPort } from './layout.ts';

/** The name under which rollout workers find the learner of their attempt. */
export function rolloutService({ stage, number }: Pick<Attempt, 'stage' | 'number'>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: learnerServiceName(stage.metadata.name, number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: stageLabels(stage),
      ownerReferences: ownedBy(stage),
    },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podSelector(stage, number, 'trainer'),
      ports: [{ name: 'rollout', port: rolloutPort, targetPort: rolloutPort, protocol: 'TCP' }],
    },
  };
}
