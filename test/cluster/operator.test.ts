import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { annotations } from '../../operator/api/metadata.ts';
import { rolloutJobName } from '../../operator/core/names.ts';
import { pipelines, stages, volumeClaims } from '../../operator/kube/resources.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { FaultProxy } from './support/fault-proxy.ts';
import { type RunningOperator, startOperator } from './support/operator.ts';
import { Pipelines, reasonOf, row, wordsOf } from './support/pipelines.ts';

describeCluster('the operator', (cluster) => {
  let world: Pipelines;
  let proxy: FaultProxy;
  let operator: RunningOperator;
  const start = () =>
    startOperator({
      kubeconfig: proxy.kubeconfig,
      args: ['--namespace', world.namespace, '--leader-election-id', 'operator-test'],
    });

  beforeAll(async () => {
    world = new Pipelines(cluster(), await cluster().namespace());
    proxy = await FaultProxy.start(cluster().kubeconfig);
    operator = await start();
  });

  afterAll(async () => {
    await operator?.stop();
    await proxy?.close();
    await world?.close();
  });

  /** Requests about a pipeline, without those that only keep the operator going. */
  const requestsSince = (index: number): string[] =>
    proxy.requests
      .slice(index)
      .filter(({ watch, path }) => !watch && !path.includes('/leases'))
      .map(
        ({ method, path }) =>
          `${method} ${path
            .split('/')
            .slice(path.startsWith('/apis') ? 6 : 5)
            .join('/')}`,
      );

  describe('runs a pipeline', () => {
    test('stage by stage to its end, with at most eight requests a stage, and then rests', async () => {
      const before = proxy.requests.length;
      await world.apply('sums', { image: 'kwok/succeed:1s' });
      const pipeline = await world.pipeline('sums', 'Succeeded');
      expect(wordsOf(pipeline)).toBe('all 3 stages have succeeded');
      await world.kubectl('wait', '--for=condition=Succeeded', 'r1pipeline/sums', '--timeout=1s');

      const [first, second] = await Promise.all(
        ['sums-first', 'sums-second'].map((name) => world.client.get(stages, { namespace: world.namespace, name })),
      );
      expect(second?.spec.model?.input?.digest).toBe(first?.status?.checkpoint?.digest);
      const starts = (await world.podsOf('sums')).map(({ metadata }) => metadata.creationTimestamp);
      expect(starts).toEqual(starts.toSorted()); // by name: first-1, second-1, third-1

      await sleep(6000); // the last progress would be written by now
      const requests = requestsSince(before);
      if (requests.length > 3 * 8) throw new Error(`${requests.length} requests:\n${requests.join('\n')}`);
      const rest = proxy.requests.length;
      await sleep(5000);
      expect(requestsSince(rest)).toEqual([]);
    });

    test('and shows how far a stage is', async () => {
      await world.apply('shown', { image: 'kwok/run', stages: row(1) });
      const stage = await eventually('it has read the log', async () => {
        const found = await world.stage('shown', 'first', 'Running');
        return found.status?.progress !== undefined && found;
      });
      expect(stage.status?.display).toMatchObject({ step: '4/10', progress: '40%', loss: '1.5', reward: '0.25' });
      const pipeline = await eventually('the pipeline shows it', async () => {
        const found = await world.pipeline('shown', 'Running');
        return found.status?.display?.eta !== '' && found;
      });
      expect(pipeline.status?.display).toMatchObject({ stage: 'first', progress: '0/1', eta: '15s', reward: '0.25' });
    });

    test('of stages that share a volume at the same time', async () => {
      const independent = ['left', 'right'].map((name) => ({ name, pretrain: { data: ['sums'], steps: 10 } }));
      await world.apply('shared', { image: 'kwok/run', storage: { accessMode: 'ReadWriteMany' }, stages: independent });
      await Promise.all(independent.map(({ name }) => world.stage('shared', name, 'Running')));
      await world.apply('alone', { image: 'kwok/run', stages: independent });
      await world.stage('alone', 'left', 'Running');
      expect((await world.jobsOf('alone')).map(({ metadata }) => metadata.name)).toEqual(['alone-left-1']);
    });

    test('of one R1Stage that was applied alone', async () => {
      await cluster().apply([
        {
          apiVersion: 'r1.dev/v1alpha1',
          kind: 'R1Stage',
          metadata: { name: 'alone.v2', namespace: world.namespace },
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
        const stage = await world.client.get(stages, { namespace: world.namespace, name: 'alone.v2' });
        return stage.status?.display?.state === 'Succeeded';
      });
    });
  });

  describe('follows a person who', () => {
    test('suspends and resumes', async () => {
      await world.apply('paused', { image: 'kwok/run' });
      await world.stage('paused', 'first', 'Running');
      await world.kubectl('patch', 'r1p', 'paused', '--type=merge', '-p', '{"spec":{"suspend":true}}');
      const suspended = await world.stage('paused', 'first', 'Suspended');
      expect(suspended.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }]);
      await world.pipeline('paused', 'Suspended');
      expect(await world.podsOf('paused')).toEqual([]);

      await world.kubectl('patch', 'r1p', 'paused', '--type=merge', '-p', '{"spec":{"suspend":false}}');
      const resumed = await world.stage('paused', 'first', 'Running');
      expect(resumed.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, { number: 2, outcome: 'Running' }]);
      expect(resumed.status?.failures).toEqual({});
    });

    test('approves a gate', async () => {
      const [first, ...rest] = row(2);
      await world.apply('gated', { stages: [{ ...first, gate: { approval: true } }, ...rest] });
      const waiting = await world.pipeline('gated', 'Waiting');
      expect([reasonOf(waiting), wordsOf(waiting)]).toEqual([
        'WaitingForApproval',
        'gate of stage first: waits for approval',
      ]);
      await world.kubectl('annotate', 'r1p', 'gated', `${annotations.approved}=first`);
      const done = await world.pipeline('gated', 'Succeeded');
      expect(done.status?.gates).toMatchObject([{ stage: 'first', action: 'Approved' }]);
      const events = await world.kubectl(
        'get',
        'events',
        '--field-selector=involvedObject.name=gated',
        '-o=jsonpath={.items[*].reason}',
      );
      expect(events.split(' ').toSorted()).toEqual(['Completed', 'GateApproved', 'GateWaiting']);
    });

    test('runs again from a stage', async () => {
      await world.apply('again');
      await world.pipeline('again', 'Succeeded');
      const before = await world.podsOf('again');
      await world.kubectl('annotate', 'r1p', 'again', `${annotations.rerunFrom}=second`);
      await eventually('the wish is granted', async () => {
        const pipeline = await world.client.get(pipelines, { namespace: world.namespace, name: 'again' });
        return pipeline.metadata.annotations?.[annotations.rerunFrom] === undefined;
      });
      await world.pipeline('again', 'Succeeded');
      const after = await world.podsOf('again');
      const uids = (pods: typeof before) => pods.map(({ metadata }) => metadata.uid);
      expect(uids(after)[0]).toBe(uids(before)[0]);
      expect(
        uids(after)
          .slice(1)
          .filter((uid) => uids(before).includes(uid)),
      ).toEqual([]);
    });

    test('changes settings of a stage that has not begun, and of one that has', async () => {
      const [first, second] = row(2);
      await world.apply('changed', { image: 'kwok/succeed:3s', stages: [first, second] });
      await world.stage('changed', 'first', 'Running');
      await world.apply('changed', {
        image: 'kwok/succeed:3s',
        stages: [first, { ...second, pretrain: { data: ['sums'], steps: 20 } }],
      });
      await world.pipeline('changed', 'Succeeded');
      const stage = await world.client.get(stages, { namespace: world.namespace, name: 'changed-second' });
      expect(stage.spec.pretrain?.steps).toBe(20);

      await world.apply('changed', {
        image: 'kwok/succeed:3s',
        stages: [{ ...first, pretrain: { data: ['sums'], steps: 5 } }, second],
      });
      const refused = await world.pipeline('changed', 'Failed');
      expect(reasonOf(refused)).toBe('StageChanged');
      expect(wordsOf(refused)).toContain('stage first has finished with other settings (pretrain.steps: 10 → 5)');
    });

    test('corrects an image that cannot be pulled', async () => {
      await world.apply('unpulled', { image: 'kwok/no-image', stages: row(1) });
      const waiting = await world.stage('unpulled', 'first', 'ImageUnavailable');
      expect(wordsOf(waiting)).toContain('image kwok/no-image cannot be pulled');
      await world.apply('unpulled', { image: 'kwok/succeed', stages: row(1) });
      const done = await world.stage('unpulled', 'first', 'Succeeded');
      expect(done.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, { outcome: 'Succeeded' }]);
    });

    test('corrects the manifest of a stage that has failed', async () => {
      const defaults = { retry: { outOfMemory: 1, backoffSeconds: 0.1 } };
      await world.apply('corrected', { image: 'kwok/oom', defaults, stages: row(1) });
      const failed = await world.pipeline('corrected', 'Failed');
      expect(wordsOf(failed)).toContain('failed 2 times (outOfMemory)');
      await world.apply('corrected', { image: 'kwok/succeed', defaults, stages: row(1) });
      await world.pipeline('corrected', 'Succeeded');
      // All attempts left their traces, also those that were followed by another one at once.
      const jobs = (await world.jobsOf('corrected')).map(({ metadata }) => metadata.name);
      expect(jobs).toEqual(['corrected-first-1', 'corrected-first-2', 'corrected-first-3']);
    });

    test('deletes the pod, and then the Job of an attempt', async () => {
      await world.apply('robbed', { image: 'kwok/run', stages: row(1), defaults: { retry: { backoffSeconds: 0 } } });
      await world.stage('robbed', 'first', 'Running');
      await world.kubectl('delete', 'pod', '-l=r1.dev/pipeline=robbed', '--wait=false');
      const second = await eventually('there is a second attempt', async () => {
        const stage = await world.stage('robbed', 'first', 'Running');
        return stage.status?.attempts.length === 2 && stage;
      });
      expect(second.status?.attempts).toMatchObject([
        { outcome: 'Failed', class: 'infrastructure' },
        { outcome: 'Running' },
      ]);
      await world.kubectl('delete', 'job', 'robbed-first-2', '--wait=false');
      const third = await eventually('there is a third attempt', async () => {
        const stage = await world.stage('robbed', 'first', 'Running');
        return stage.status?.attempts.length === 3 && stage;
      });
      expect(third.status?.attempts).toMatchObject([
        {},
        { outcome: 'Failed', class: 'infrastructure' },
        { outcome: 'Running' },
      ]);
    });

    test('deletes a pipeline and applies it again at once', async () => {
      await world.apply('anew', { stages: row(1) });
      await world.pipeline('anew', 'Succeeded');
      await world.kubectl('delete', 'r1p', 'anew');
      await world.apply('anew', { stages: row(1) });
      await world.pipeline('anew', 'Succeeded', 60_000); // the garbage collector looks for new kinds every half minute
    }, 90_000);

    test('lets a pipeline go some time after its end, with its volume or without', async () => {
      await world.apply('brief', { stages: row(1), ttlSecondsAfterFinished: 2 });
      await world.apply('kept', { stages: row(1), ttlSecondsAfterFinished: 2, storage: { retention: 'Retain' } });
      const gone = async (kind: typeof pipelines | typeof volumeClaims, name: string) =>
        (await world.client.find<object>(kind, { namespace: world.namespace, name })) === undefined;
      await eventually('both are gone', async () => (await gone(pipelines, 'brief')) && gone(pipelines, 'kept'));
      await eventually('the stages are gone', async () => (await world.jobsOf('brief')).length === 0);
      // A claim that a pod has mounted is kept until that pod is gone.
      await eventually('the volume is gone', async () => gone(volumeClaims, 'brief-volume'));
      expect(await gone(volumeClaims, 'kept-volume')).toBe(false);
    });
  });

  describe('ends an attempt that', () => {
    const gpu = { resources: { limits: { 'nvidia.com/gpu': 4 } } };

    test('says nothing new for too long, and tries again', async () => {
      const retry = { hung: 1, hungAfterSeconds: 4, backoffSeconds: 0 };
      await world.apply('hangs', { image: 'kwok/run', stages: row(1), defaults: { retry } });
      const stage = await world.stage('hangs', 'first', 'Failed', 90_000);
      expect(stage.status?.attempts).toMatchObject([{ class: 'hung' }, { class: 'hung' }]);
      expect(wordsOf(stage)).toContain('failed 2 times (hung)');
      const [job] = await world.jobsOf('hangs');
      expect(job?.metadata.annotations?.[annotations.stopReason]).toBe('hung');
    }, 120_000);

    test('runs past the deadline of its stage', async () => {
      const [first] = row(1);
      await world.apply('late', { image: 'kwok/run', stages: [{ ...first, deadlineSeconds: 3 }] });
      const stage = await world.stage('late', 'first', 'Failed');
      expect(reasonOf(stage)).toBe('DeadlineExceeded');
      expect(await world.podsOf('late')).toEqual([]);
    });

    test('spends the GPU hours of its pipeline', async () => {
      const spec = { image: 'kwok/run', stages: row(1), defaults: gpu, budget: { gpuHours: 4 * (4 / 3600) } };
      await world.apply('costly', spec);
      const pipeline = await world.pipeline('costly', 'Failed');
      expect(reasonOf(pipeline)).toBe('BudgetExhausted');
      expect(pipeline.status?.gpuHours).toBeGreaterThanOrEqual(4 * (4 / 3600));
      const stage = await world.client.get(stages, { namespace: world.namespace, name: 'costly-first' });
      expect(stage.status?.attempts).toMatchObject([{ outcome: 'Interrupted', gpus: 4 }]);
    });
  });

  describe('says in words', () => {
    test('that no node has what a stage asks for', async () => {
      await world.apply('too-big', { stages: row(1), defaults: { resources: { limits: { 'nvidia.com/gpu': 9 } } } });
      const stage = await world.stage('too-big', 'first', 'Unschedulable');
      expect(wordsOf(stage)).toMatch(/^attempt 1 waits: 0\/\d+ nodes are available: .*Insufficient nvidia.com\/gpu/);
      expect(wordsOf(stage)).not.toContain('preemption');
      const pipeline = await eventually('the pipeline says so', async () => {
        const found = await world.client.get(pipelines, { namespace: world.namespace, name: 'too-big' });
        return wordsOf(found).includes('Insufficient nvidia.com/gpu') && found;
      });
      expect(pipeline.status?.display?.message).toContain('Insufficient nvidia.com/gpu');
    });

    test('that nobody serves a storage class', async () => {
      await world.apply('no-class', { stages: row(1), storage: { storageClassName: 'none' } });
      const words = await eventually(
        'it names the class',
        async () => {
          const stage = await world.stage('no-class', 'first', 'VolumeUnavailable');
          return wordsOf(stage).includes('"none" not found') && wordsOf(stage);
        },
        60_000,
      );
      expect(words).toContain('ProvisioningFailed: storageclass');
    });

    test('that an existing claim is missing, and goes on once it is there', async () => {
      await world.apply('borrowed', { stages: row(1), storage: { claimName: 'mine' } });
      const pipeline = await eventually('it says so', async () => {
        const found = await world.client.get(pipelines, { namespace: world.namespace, name: 'borrowed' });
        return wordsOf(found).includes('mine') && found;
      });
      expect(wordsOf(pipeline)).toContain('claim "mine" of spec.storage.claimName not found');
      await cluster().apply([
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'mine', namespace: world.namespace },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ]);
      await world.pipeline('borrowed', 'Succeeded', 60_000);
    });

    test('that a claim was deleted, and what lay on it is lost', async () => {
      await world.apply('lost', { image: 'kwok/succeed:3s', stages: row(2) });
      await world.stage('lost', 'first', 'Running');
      await world.kubectl('delete', 'pvc', 'lost-volume', '--wait=false'); // goes once the pod has ended
      const stage = await eventually('it says so', async () => {
        const found = await world.client.find(stages, { namespace: world.namespace, name: 'lost-second' });
        return found !== undefined && wordsOf(found).includes('lost-volume') && found;
      });
      expect(wordsOf(stage)).toMatch(/claim "lost-volume" (not found|is being deleted)/);
    });

    test('that a claim was deleted, which a stage without inputs would only make anew', async () => {
      const [first] = row(1);
      await world.apply('emptied', { image: 'kwok/succeed:3s', stages: [first, { ...first, name: 'apart' }] });
      await world.stage('emptied', 'first', 'Running');
      await world.kubectl('delete', 'pvc', 'emptied-volume', '--wait=false');
      const stage = await eventually('it says so', async () => {
        const found = await world.client.find(stages, { namespace: world.namespace, name: 'emptied-apart' });
        return found !== undefined && wordsOf(found).includes('emptied-volume') && found;
      });
      expect(wordsOf(stage)).toMatch(
        /claim "emptied-volume" (not found, and with it the output of first|is being deleted)/,
      );
    });

    test('that a file lies on no volume', async () => {
      await world.apply('no-file', { datasets: [{ name: 'sums', jsonl: 'data/sums.jsonl' }], stages: row(1) });
      expect(wordsOf(await world.pipeline('no-file', 'Failed'))).toContain('data/sums.jsonl: no such file in a pod');
    });

    test('that a Job of somebody else has the name of an attempt', async () => {
      const container = { name: 'other', image: 'kwok/run' };
      await cluster().apply([
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: { name: 'taken-first-1', namespace: world.namespace },
          spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
        },
      ]);
      await world.apply('taken', { stages: row(1) });
      const stage = await eventually('it says so', async () => {
        const found = await world.client.find(stages, { namespace: world.namespace, name: 'taken-first' });
        return found !== undefined && wordsOf(found).includes('taken-first-1') && found;
      });
      expect(wordsOf(stage)).toContain('a Job named taken-first-1 exists and belongs to nobody');
    });

    test('that a stage gets no rollout workers, and goes on without them', async () => {
      const container = { name: 'other', image: 'kwok/run' };
      await cluster().apply([
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: { name: rolloutJobName('alone-zero', 1), namespace: world.namespace },
          spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
        },
      ]);
      const rewards = [{ accuracy: {} }];
      const zero = { name: 'zero', grpo: { prompts: ['sums'], steps: 5, rewards }, rolloutWorkers: 1 };
      await world.apply('alone', { image: 'kwok/succeed:2s', stages: [zero] });
      await world.pipeline('alone', 'Succeeded');
      const reasons = await world.kubectl('get', 'events', '-o=jsonpath={.items[*].reason}');
      expect(reasons).toContain('RolloutWorkersRefused');
    });

    test('that the API server refuses a pod', async () => {
      const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } };
      await world.apply('invalid', { stages: row(1), defaults: { affinity } });
      const stage = await eventually('it says so', async () => {
        const found = await world.client.find(stages, { namespace: world.namespace, name: 'invalid-first' });
        return found !== undefined && wordsOf(found).includes('nodeSelectorTerms') && found;
      });
      expect(wordsOf(stage)).toMatch(/^attempt 1 cannot be started: .*nodeSelectorTerms.*Required value/s);
    });
  });

  test('that starts again in the middle changes nothing', async () => {
    await world.apply('steady', { image: 'kwok/succeed:6s' });
    await world.stage('steady', 'first', 'Running');
    await operator.kill();
    await sleep(7000); // the stage ends unseen
    operator = await start();
    await world.stage('steady', 'second', 'Running');
    expect(await operator.stop()).toBe(0);
    const before = proxy.requests.length;
    operator = await start();
    await world.pipeline('steady', 'Succeeded', 60_000);
    expect((await world.jobsOf('steady')).map(({ metadata }) => metadata.name)).toEqual([
      'steady-first-1',
      'steady-second-1',
      'steady-third-1',
    ]);
    expect(requestsSince(before).filter((request) => request.startsWith('DELETE'))).toEqual([]);
  });

  test('that ends hands its lease back at once', async () => {
    expect(await operator.stop()).toBe(0);
    const lease = await cluster().kubectl(
      'get',
      'lease',
      'operator-test',
      '-n',
      'default',
      '-o=jsonpath={.spec.holderIdentity}',
    );
    expect(lease).toBe('');
    operator = await start();
  });
});
