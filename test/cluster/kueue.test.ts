import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { labels } from '../../operator/api/resources/metadata.ts';
import { pods } from '../../operator/kube/client/resources.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { type Kueue, missingKueue, startKueue } from './support/kueue.ts';
import { type RunningOperator, startOperator } from './support/operator.ts';
import { admit, preempt } from './support/queue-by-hand.ts';
import { queued, QueuedPipelines, quotaForOne } from './support/queued-pipelines.ts';
import { announceSkipped } from './support/tools.ts';

const a100 = { pool: 'a100' };

describeCluster('stages of a queue whose Jobs are admitted by hand', (cluster) => {
  let world: QueuedPipelines;
  let operator: RunningOperator;

  beforeAll(async () => {
    world = new QueuedPipelines(cluster(), await cluster().namespace());
    operator = await startOperator({ kubeconfig: cluster().kubeconfig, args: ['--namespace', world.namespace] });
  });

  afterAll(async () => {
    await operator?.stop();
    await world?.close();
  });

  test('wait for their quota in words, survive preemption with the same attempt, and succeed', async () => {
    const name = 'preempted';
    await world.apply(queued(name, world.namespace, 'kwok/succeed:5s'));
    const job = await world.job(name);
    expect(job.spec?.suspend).toBe(true);
    expect(job.metadata.labels?.['kueue.x-k8s.io/queue-name']).toBe('team');
    expect((await world.stage(name, 'Queued')).message).toContain('waits in queue "team"');

    const place = { namespace: world.namespace, name: job.metadata.name };
    await admit(world.client, place, a100);
    await world.stage(name, 'Running');
    await preempt(world.client, place, a100);
    expect((await world.stage(name, 'Queued')).message).toContain('waits in queue "team"');
    expect((await world.jobsOf(name)).map(({ metadata }) => metadata.uid)).toEqual([job.metadata.uid]);

    await admit(world.client, place, a100);
    const { stage } = await world.stage(name, 'Succeeded');
    expect(stage.status?.attempts?.map(({ outcome }) => outcome)).toEqual(['Succeeded']);
    const [left] = await world.jobsOf(name);
    expect(left?.metadata.uid).toBe(job.metadata.uid);
    expect(left?.spec?.template.spec?.nodeSelector).toEqual(a100); // nobody has applied the Job again
  });

  test('leave the queue when their pipeline is suspended, and come back to it', async () => {
    const name = 'suspended-in-queue';
    await world.apply(queued(name, world.namespace, 'kwok/run'));
    const job = await world.job(name);
    await world.suspend(name, true);
    await eventually('its Job is gone', async () => (await world.jobsOf(name)).length === 0);
    await world.stage(name, 'Suspended');

    await world.suspend(name, false);
    const next = await world.job(name, ({ metadata }) => metadata.uid !== job.metadata.uid);
    expect(next.spec?.suspend).toBe(true);
  });

  test('give back their quota when their pipeline is suspended while they run', async () => {
    const name = 'suspended-at-work';
    await world.apply(queued(name, world.namespace, 'kwok/run'));
    const job = await world.job(name);
    await admit(world.client, { namespace: world.namespace, name: job.metadata.name }, a100);
    await world.stage(name, 'Running');
    await world.suspend(name, true);
    const ended = await world.job(
      name,
      ({ status }) => status?.conditions?.some(({ type }) => type === 'Failed') ?? false,
    );
    expect(ended.metadata.annotations?.['r1.dev/stop-reason']).toBe('suspended');
    await world.stage(name, 'Suspended');
  });
});

const missing = missingKueue();
if (missing !== undefined) announceSkipped('the test on the real Kueue', missing);
(missing === undefined ? describe : describe.skip)('with the real Kueue', () => {
  describeCluster(
    'stages of a queue',
    (cluster) => {
      let world: QueuedPipelines;
      let operator: RunningOperator;
      let kueue: Kueue;

      beforeAll(async () => {
        world = new QueuedPipelines(cluster(), await cluster().namespace());
        kueue = await startKueue(cluster());
        operator = await startOperator({ kubeconfig: cluster().kubeconfig });
        await world.apply(...quotaForOne(world.namespace, a100));
      });

      afterAll(async () => {
        await operator?.stop();
        await kueue?.stop();
        await world?.close();
      });

      test('wait for their quota, are preempted by a more urgent one, and succeed with the same attempt', async () => {
        await world.apply(queued('patient', world.namespace, 'kwok/succeed:8s'));
        const job = await world.job('patient');
        expect(job.metadata.labels?.['kueue.x-k8s.io/queue-name']).toBe('team');
        const { stage: running } = await world.stage('patient', 'Running');
        expect(running.status?.node).toMatch(/^a100-/);

        await world.apply(queued('urgent', world.namespace, 'kwok/succeed:3s', { priorityClassName: 'urgent' }));
        expect((await world.stage('patient', 'Queued')).message).toContain('waits in queue "team"');
        const { stage: urgent } = await world.stage('urgent', 'Succeeded');
        const { stage: patient } = await world.stage('patient', 'Succeeded');

        for (const { status } of [urgent, patient]) {
          expect(status?.attempts?.map(({ outcome }) => outcome)).toEqual(['Succeeded']);
        }
        expect((await world.jobsOf('patient')).map(({ metadata }) => metadata.uid)).toEqual([job.metadata.uid]);
      });

      test('free their quota when their pipeline is suspended', async () => {
        await world.apply(queued('holder', world.namespace, 'kwok/run'));
        await world.stage('holder', 'Running');
        await world.apply(queued('next', world.namespace, 'kwok/succeed:1s'));
        expect((await world.stage('next', 'Queued')).message).toContain('waits in queue "team"');

        await world.suspend('holder', true);
        await world.stage('holder', 'Suspended');
        await world.stage('next', 'Succeeded');

        await world.suspend('holder', false);
        const { stage } = await world.stage('holder', 'Running');
        expect(stage.status?.attempts.at(-1)?.number).toBe(2);
        const { items } = await world.client.list(pods, world.namespace, {
          labelSelector: `${labels.pipeline}=holder`,
        });
        expect(items.filter(({ status }) => status?.phase === 'Running')).toHaveLength(1);
      });
    },
    { own: true },
  );
});
