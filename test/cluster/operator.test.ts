import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { stages } from '../../operator/kube/objects/r1-kinds.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { row, wordsOf } from './support/pipelines.ts';
import { useOperator } from './support/use-operator.ts';

describeCluster('the operator', (cluster) => {
  const { world, proxy, start, operator } = useOperator(cluster, ['--leader-election-id', 'operator-test']);

  /** Requests about a pipeline, without those that only keep the operator going. */
  const requestsSince = (index: number): string[] =>
    proxy()
      .requests.slice(index)
      .filter(({ watch, path }) => !watch && !path.includes('/leases'))
      .map(
        ({ method, path }) =>
          `${method} ${path
            .split('/')
            .slice(path.startsWith('/apis') ? 6 : 5)
            .join('/')}`,
      );

  describe('runs a pipeline', () => {
    test('stage by stage to its end, makes each thing once, and then rests', async () => {
      const before = proxy().requests.length;
      await world().apply('sums', { image: 'kwok/succeed:1s' });
      const pipeline = await world().pipeline('sums', 'Succeeded');
      expect(wordsOf(pipeline)).toBe('all 3 stages have succeeded');
      await world().kubectl('wait', '--for=condition=Succeeded', 'r1pipeline/sums', '--timeout=1s');

      const [first, second] = await Promise.all(
        ['sums-first', 'sums-second'].map((name) => world().client.get(stages, { namespace: world().namespace, name })),
      );
      expect(second?.spec.model?.input?.digest).toBe(first?.status?.checkpoint?.digest);
      const starts = (await world().podsOf('sums')).map(({ metadata }) => metadata.creationTimestamp);
      expect(starts).toEqual(starts.toSorted()); // by name: first-1, second-1, third-1

      await eventually('five seconds without a request', async () => {
        const rest = proxy().requests.length;
        await sleep(5000);
        return requestsSince(rest).length === 0;
      });
      // How often a status is written depends on what the operator sees in between: bench/operator counts that.
      const made = requestsSince(before).filter((request) => !/\/status$|^POST events$/.test(request));
      const ofAStage = ['POST r1stages', 'POST configmaps', 'POST jobs'];
      expect(made.toSorted()).toEqual(
        [...ofAStage, ...ofAStage, ...ofAStage, 'POST persistentvolumeclaims'].toSorted(),
      );
    });

    test('and shows how far a stage is', async () => {
      await world().apply('shown', { image: 'kwok/run', stages: row(1) });
      const stage = await eventually('it has read the log', async () => {
        const found = await world().stage('shown', 'first', 'Running');
        return found.status?.progress !== undefined && found;
      });
      expect(stage.status?.display).toMatchObject({ step: '4/10', progress: '40%', loss: '1.5', reward: '0.25' });
      const pipeline = await eventually('the pipeline shows it', async () => {
        const found = await world().pipeline('shown', 'Running');
        return found.status?.display?.eta !== '' && found;
      });
      expect(pipeline.status?.display).toMatchObject({ stage: 'first', progress: '0/1', eta: '15s', reward: '0.25' });
    });

    test('of stages that share a volume at the same time', async () => {
      const independent = ['left', 'right'].map((name) => ({ name, pretrain: { data: ['sums'], steps: 10 } }));
      await world().apply('shared', {
        image: 'kwok/run',
        storage: { accessMode: 'ReadWriteMany' },
        stages: independent,
      });
      await Promise.all(independent.map(({ name }) => world().stage('shared', name, 'Running')));
      await world().apply('alone', { image: 'kwok/run', stages: independent });
      await world().stage('alone', 'left', 'Running');
      expect((await world().jobsOf('alone')).map(({ metadata }) => metadata.name)).toEqual(['alone-left-1']);
    });

    test('whose names, and those of its stages, are as long as can be, and begin alike', async () => {
      const [left, right] = [1, 2].map((end) => `${'long-'.repeat(12)}st${end}`);
      const zero = {
        name: left,
        grpo: { prompts: ['sums'], steps: 5, rewards: [{ accuracy: {} }] },
        rolloutWorkers: 2,
      };
      const after = { ...zero, name: right, model: { from: left } };
      for (const name of [left, right]) {
        await world().apply(name ?? '', { image: 'kwok/succeed:3s', stages: [zero, after] });
      }
      for (const name of [left, right]) {
        await world().pipeline(name ?? '', 'Succeeded');
        const names = (await world().jobsOf(name ?? '')).map(({ metadata }) => metadata.name);
        expect(names.filter((each) => !each.endsWith('-rollout'))).toHaveLength(2);
      }
    });

    test('of one R1Stage that was applied alone', async () => {
      await cluster().apply([
        {
          apiVersion: 'r1.dev/v1alpha1',
          kind: 'R1Stage',
          metadata: { name: 'alone.v2', namespace: world().namespace },
          spec: {
            pipeline: 'nobody',
            stage: 'lonely',
            image: 'kwok/succeed',
            model: { init: {} },
            datasets: [{ name: 'sums', generator: { task: 'addition' } }],
            pretrain: { data: ['sums'], steps: 3 },
          },
        },
      ]);
      await eventually('it succeeds', async () => {
        const stage = await world().client.get(stages, { namespace: world().namespace, name: 'alone.v2' });
        return stage.status?.display?.state === 'Succeeded';
      });
    });
  });

  test('that starts again in the middle changes nothing', async () => {
    await world().apply('steady', { image: 'kwok/succeed:6s' });
    await world().stage('steady', 'first', 'Running');
    await operator().kill();
    await sleep(7000); // the stage ends unseen
    await start();
    await world().stage('steady', 'second', 'Running');
    expect(await operator().stop()).toBe(0);
    const before = proxy().requests.length;
    await start();
    await world().pipeline('steady', 'Succeeded');
    expect((await world().jobsOf('steady')).map(({ metadata }) => metadata.name)).toEqual([
      'steady-first-1',
      'steady-second-1',
      'steady-third-1',
    ]);
    expect(requestsSince(before).filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });

  test('that ends hands its lease back at once', async () => {
    expect(await operator().stop()).toBe(0);
    const lease = await cluster().kubectl(
      'get',
      'lease',
      'operator-test',
      '-n',
      'default',
      '-o=jsonpath={.spec.holderIdentity}',
    );
    expect(lease).toBe('');
    await start();
  });
});
