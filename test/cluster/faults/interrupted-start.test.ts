import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startOperator, type RunningOperator } from '../support/operator.ts';
import { Pipelines, row } from '../support/pipelines.ts';
import type { SeenRequest } from '../support/seen-request.ts';
import { flags } from './crash.ts';
import { readStageFile } from './read-stage-file.ts';

describeCluster('an attempt whose start was cut short', (cluster) => {
  let world: Pipelines;
  let proxy: FaultProxy;
  let operator: RunningOperator;
  const start = (number: number) =>
    startOperator({ kubeconfig: proxy.kubeconfig, args: flags(world.namespace, number) });

  beforeEach(async () => {
    world = new Pipelines(cluster(), await cluster().namespace());
    proxy = await FaultProxy.start(cluster().kubeconfig);
    operator = await start(0);
  });

  afterEach(async () => {
    await operator.kill();
    await proxy.close();
    await world.close();
  });

  test('before it had a Job gets the settings that are asked for by then', async () => {
    const endFault = proxy.add({ when: isJob, fault: { answer: 500 } });
    const [stage] = row(1);
    await world.apply('changed', { stages: [stage] });
    await eventually('its Job was refused', async () => proxy.requests.some(isJob));
    await world.apply('changed', { stages: [{ ...stage, pretrain: { data: ['sums'], steps: 20 } }] });
    await eventually('the stage has been told', async () => {
      const { spec } = await world.client.get(stages, { namespace: world.namespace, name: 'changed-first' });
      return spec.pretrain?.steps === 20;
    });
    endFault();
    await world.pipeline('changed', 'Succeeded');
    const job = (await world.jobsOf('changed')).at(-1);
    const { settings } = await readStageFile(world.client, world.namespace, job?.metadata.name ?? '');
    expect(settings).toMatchObject({ pretrain: { steps: 20 } });
  });

  test('before its status told of it gets the settings that are asked for by then', async () => {
    const endFault = proxy.add({ when: isStageStatus, fault: { answer: 500 } });
    const [stage] = row(1);
    const image = 'kwok/succeed:5s';
    await world.apply('late', { image, stages: [stage] });
    await eventually('its pod runs', async () => (await world.podsOf('late'))[0]?.status?.phase === 'Running');
    await world.apply('late', { image, stages: [{ ...stage, pretrain: { data: ['sums'], steps: 20 } }] });
    await eventually('the stage has been told', async () => {
      const { spec } = await world.client.get(stages, { namespace: world.namespace, name: 'late-first' });
      return spec.pretrain?.steps === 20;
    });
    endFault();
    await world.pipeline('late', 'Succeeded');
    const { status } = await world.client.get(stages, { namespace: world.namespace, name: 'late-first' });
    expect(status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, { outcome: 'Succeeded' }]);
    const { settings } = await readStageFile(world.client, world.namespace, 'late-first-2');
    expect(settings).toMatchObject({ pretrain: { steps: 20 } });
  });

  test('before it had rollout workers gets them from the next operator', async () => {
    const killed = Promise.withResolvers<void>();
    proxy.add({
      when: (request) => {
        const isSecond = isJob(request) && proxy.requests.filter(isJob).length === 2;
        if (isSecond) killed.resolve(operator.kill());
        return isSecond;
      },
      fault: { silence: true },
    });
    const grpo = { prompts: ['sums'], steps: 10, rewards: [{ accuracy: {} }] };
    await world.apply('crowd', {
      image: 'kwok/run',
      stages: [{ name: 'zero', model: { init: {} }, grpo, rolloutWorkers: 2 }],
    });
    await killed.promise;
    expect((await world.jobsOf('crowd')).map(({ metadata }) => metadata.name)).toEqual(['crowd-zero-1']);

    operator = await start(1);
    await eventually('it has workers', async () => (await world.jobsOf('crowd')).length === 2);
  });
});

function isStageStatus({ method, path }: SeenRequest): boolean {
  return method === 'PATCH' && /\/r1stages\/[^/]+\/status/.test(path);
}

function isJob({ method, path }: SeenRequest): boolean {
  return method === 'POST' && path.endsWith('/jobs');
}
