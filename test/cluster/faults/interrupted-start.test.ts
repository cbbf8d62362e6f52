import { expect, test } from '@jest/globals';
import { describeCluster } from '../support/describe-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startOperator } from '../support/operator.ts';
import { Pipelines, row } from '../support/pipelines.ts';
import type { SeenRequest } from '../support/seen-request.ts';
import { flags } from './crash.ts';
import { readStageFile } from './read-stage-file.ts';

describeCluster('an attempt whose start was interrupted', (cluster) => {
  test('is started with the settings that are asked for by then', async () => {
    const world = new Pipelines(cluster(), await cluster().namespace());
    const proxy = await FaultProxy.start(cluster().kubeconfig);
    const operator = await startOperator({ kubeconfig: proxy.kubeconfig, args: flags(world.namespace, 0) });
    const endFault = proxy.add({ when: isJob, fault: { answer: 500 } });
    try {
      const [stage] = row(1);
      await world.apply('changed', { stages: [stage] });
      await eventually('its Job was refused', async () => proxy.requests.some(isJob));
      await world.apply('changed', { stages: [{ ...stage, pretrain: { data: ['sums'], steps: 20 } }] });
      endFault();
      await world.pipeline('changed', 'Succeeded');

      const [job] = await world.jobsOf('changed');
      const file = await readStageFile(world.client, world.namespace, job?.metadata.name ?? '');
      expect(file.settings).toMatchObject({ pretrain: { steps: 20 } });
    } finally {
      await operator.kill();
      await proxy.close();
      await world.close();
    }
  }, 120_000);
});

function isJob({ method, path }: SeenRequest): boolean {
  return method === 'POST' && path.endsWith('/jobs');
}
