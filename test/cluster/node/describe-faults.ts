import { beforeAll, describe } from '@jest/globals';
import { long } from '../faults/long.ts';
import { type ControlPlane, startTimeoutMs } from '../support/control-plane.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { chart, helm } from '../support/helm.ts';
import { buildImage } from '../support/real-node.ts';
import { announceSkipped } from '../support/tools.ts';

export const image = 'docker.io/library/r1-operator:faults';
export const release = { name: 'r1-operator', namespace: 'r1-system' };

/**
 * Tests on a real node on which the chart runs an operator: `npm run test:node-faults`.
 *
 * @param values of the chart, such as `replicas=2`
 */
export function describeFaults(
  name: string,
  tests: (cluster: () => ControlPlane) => void,
  values: readonly string[] = [],
): void {
  if (!long) {
    announceSkipped('faults on a real node', 'npm run test:node-faults runs them');
    describe.skip(name, () => tests(() => unreachable()));
    return;
  }
  describeCluster(
    name,
    (cluster) => {
      beforeAll(async () => {
        await buildImage(image, cluster().directory);
        const [repository, tag] = image.split(':');
        const set = [`image.repository=${repository}`, `image.tag=${tag}`, ...values];
        const flags = ['--create-namespace', '--wait', '--timeout=3m', ...set.flatMap((value) => ['--set', value])];
        await helm(['install', release.name, chart, '--namespace', release.namespace, ...flags], cluster().kubeconfig);
      }, startTimeoutMs);
      tests(cluster);
    },
    { node: true },
  );
}

function unreachable(): never {
  throw new Error('a cluster is there only inside a test');
}
