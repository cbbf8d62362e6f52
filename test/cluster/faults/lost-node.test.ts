import { expect } from '@jest/globals';
import { describeCluster } from '../support/describe-cluster.ts';
import { flags } from './crash.ts';
import { Deployment } from './deployment.ts';
import { longTest } from './long.ts';
import { readStageFile } from './read-stage-file.ts';
import { applyShapes, withImage, type Shape } from './shapes.ts';
import { Witness } from './witness.ts';

/** What is promised of a node that is lost. */
const nextAttemptMs = 90_000;

const doomed = ['doomed-1', 'doomed-2'];

/** One stage of a pipeline that may only run on these nodes. */
function shapeOn(pool: string): Shape {
  return {
    name: 'lonely',
    spec: {
      base: { init: { hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1 } },
      datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
      defaults: { nodeSelector: { pool }, retry: { backoffSeconds: 1 } },
      stages: [{ name: 'base', pretrain: { data: ['sums'], steps: 10 } }],
    },
    jobs: ['lonely-base-1', 'lonely-base-2'],
  };
}

describeCluster('the stage of a node that', (cluster) => {
  longTest.each([
    // Without this label nobody sends heartbeats for the node and nobody ends its pods.
    { name: 'falls silent', lose: (node: string) => ['label', 'node', node, 'type-'] },
    { name: 'is deleted', lose: (node: string) => ['delete', 'node', node] },
  ])(
    '$name goes on in another attempt, on another node and in a directory of its own',
    async ({ lose }) => {
      await using witness = await Witness.of(cluster(), await cluster().namespace());
      await using operator = await Deployment.start({
        kubeconfig: cluster().kubeconfig,
        args: flags(witness.namespace, 0),
      });
      await cluster().apply(doomed.map(fakeNode));
      // The first attempt even ends well on its lost node, long after nobody waits for it any more.
      const shape = withImage(shapeOn('doomed'), 'kwok/succeed:100s');
      await applyShapes(cluster(), witness.namespace, [shape]);
      const [first = '', second = ''] = shape.jobs;
      const running = (job: string) => witness.podsOf(job).find(({ status }) => status?.phase === 'Running');
      await witness.until('the first attempt runs', () => running(first) !== undefined);
      const lostNode = running(first)?.spec?.nodeName ?? '';
      const lostAt = Date.now();
      await cluster().kubectl(...lose(lostNode));
      await witness.until('there is a second attempt', () => witness.job(second) !== undefined, nextAttemptMs);
      console.log(`another attempt ${(Date.now() - lostAt) / 1000} s after its node was lost`);

      await witness.until('the second attempt runs', () => running(second) !== undefined);
      expect(running(second)?.spec?.nodeName).not.toBe(lostNode);
      const { metadata, status } = witness.job(first) ?? {};
      const isOver = status?.conditions?.some(({ type }) => type === 'Failed' || type === 'FailureTarget') ?? false;
      expect(metadata === undefined || metadata.deletionTimestamp !== undefined || isOver).toBe(true);

      await witness.until('the pipeline has ended', () => witness.hasEnded(1), 240_000);
      expect(witness.stage('lonely-base')?.attempts).toMatchObject([
        { outcome: 'Failed', class: 'disruption' },
        { outcome: 'Succeeded' },
      ]);
      const { out, takeOver } = await readStageFile(witness.client, witness.namespace, second);
      expect(out).toMatch(/\/attempt-2$/);
      expect(takeOver).toEqual([out.replace(/2$/, '1')]);
      expect(witness.createdJobs).toEqual(shape.jobs);
      expect(operator.restarts).toBe(0);

      await cluster().kubectl('delete', 'node', '--ignore-not-found', ...doomed);
    },
    600_000,
  );
});

function fakeNode(name: string): object {
  const resources = { cpu: '16', memory: '64Gi', pods: '100', 'nvidia.com/gpu': '8' };
  const labels = { type: 'kwok', pool: 'doomed', 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { capacity: resources, allocatable: resources },
  };
}
