import { expect, test } from '@jest/globals';
import { rolloutJobName } from '../../operator/core/names.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import type { SeenRequest } from './support/seen-request.ts';
import { row, wordsOf } from './support/pipelines.ts';
import { useOperator } from './support/use-operator.ts';

describeCluster('the operator says in words', (cluster) => {
  const { world, proxy } = useOperator(cluster);

  test('that no node has what a stage asks for', async () => {
    await world().apply('too-big', { stages: row(1), defaults: { resources: { limits: { 'nvidia.com/gpu': 9 } } } });
    const stage = await world().stage('too-big', 'first', 'Unschedulable');
    expect(wordsOf(stage)).toMatch(/^attempt 1 waits: 0\/\d+ nodes are available: .*Insufficient nvidia.com\/gpu/);
    expect(wordsOf(stage)).not.toContain('preemption');
    const pipeline = await eventually('the pipeline says so', async () => {
      const found = await world().client.get(pipelines, { namespace: world().namespace, name: 'too-big' });
      return wordsOf(found).includes('Insufficient nvidia.com/gpu') && found;
    });
    expect(pipeline.status?.display?.message).toContain('Insufficient nvidia.com/gpu');
  });

  test('that nobody serves a storage class', async () => {
    await world().apply('no-class', { stages: row(1), storage: { storageClassName: 'none' } });
    const words = await eventually('it names the class', async () => {
      const stage = await world().stage('no-class', 'first', 'VolumeUnavailable');
      return wordsOf(stage).includes('"none" not found') && wordsOf(stage);
    });
    expect(words).toContain('ProvisioningFailed: storageclass');
  });

  test('that an existing claim is missing, and goes on once it is there', async () => {
    await world().apply('borrowed', { stages: row(1), storage: { claimName: 'mine' } });
    const pipeline = await eventually('it says so', async () => {
      const found = await world().client.get(pipelines, { namespace: world().namespace, name: 'borrowed' });
      return wordsOf(found).includes('mine') && found;
    });
    expect(wordsOf(pipeline)).toContain('claim "mine" of spec.storage.claimName not found');
    await cluster().apply([
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'mine', namespace: world().namespace },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ]);
    await world().pipeline('borrowed', 'Succeeded');
  });

  test('that a claim was deleted, and what lay on it is lost', async () => {
    await world().apply('lost', { image: 'kwok/succeed:3s', stages: row(2) });
    await world().stage('lost', 'first', 'Running');
    await world().kubectl('delete', 'pvc', 'lost-volume', '--wait=false'); // goes once the pod has ended
    const stage = await eventually('it says so', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'lost-second' });
      return found !== undefined && wordsOf(found).includes('lost-volume') && found;
    });
    expect(wordsOf(stage)).toMatch(/claim "lost-volume" (not found|is being deleted)/);
  });

  test('that a claim was deleted, which a stage without inputs would only make anew', async () => {
    const [first] = row(1);
    await world().apply('emptied', { image: 'kwok/succeed:3s', stages: [first, { ...first, name: 'apart' }] });
    await world().stage('emptied', 'first', 'Running');
    await world().kubectl('delete', 'pvc', 'emptied-volume', '--wait=false');
    const stage = await eventually('it says so', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'emptied-apart' });
      return found !== undefined && wordsOf(found).includes('emptied-volume') && found;
    });
    expect(wordsOf(stage)).toMatch(
      /claim "emptied-volume" (not found, and with it the output of first|is being deleted)/,
    );
  });

  test('that a file lies on no volume', async () => {
    await world().apply('no-file', { datasets: [{ name: 'sums', file: 'data/sums.jsonl' }], stages: row(1) });
    expect(wordsOf(await world().pipeline('no-file', 'Failed'))).toContain('data/sums.jsonl: no such file in a pod');
  });

  test('that a Job of somebody else has the name of an attempt', async () => {
    const container = { name: 'other', image: 'kwok/run' };
    await cluster().apply([
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'taken-first-1', namespace: world().namespace },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
      },
    ]);
    await world().apply('taken', { stages: row(1) });
    const stage = await eventually('it says so', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'taken-first' });
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
        metadata: { name: rolloutJobName('alone-zero', 1), namespace: world().namespace },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
      },
    ]);
    const rewards = [{ accuracy: {} }];
    const zero = { name: 'zero', grpo: { prompts: ['sums'], steps: 5, rewards }, rolloutWorkers: 1 };
    await world().apply('alone', { image: 'kwok/succeed:5s', stages: [zero] });
    const why = await eventually('the stage says why', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'alone-zero' });
      return found?.status?.rolloutWorkers?.message === undefined ? undefined : found;
    });
    const taken = 'a Job named alone-zero-1-rollout exists and belongs to nobody';
    expect(why.status?.rolloutWorkers).toEqual({ asked: 1, running: 0, message: taken });
    const table = await world().kubectl('get', 'r1s', 'alone-zero', '-o', 'wide');
    expect(table).toMatch(new RegExp(` WORKERS .* 0/1 .*without rollout workers: ${taken}`, 's'));
    await world().pipeline('alone', 'Succeeded');
    const reasons = await world().kubectl('get', 'events', '-o=jsonpath={.items[*].reason}');
    expect(reasons).toContain('RolloutWorkersRefused');
  });

  test('that a quota lets only some rollout workers through, until it lets all', async () => {
    const name = 'some';
    const quota = (pods: number) => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name, namespace: world().namespace },
      spec: { hard: { pods }, scopeSelector: { matchExpressions: [ofSome] } },
    });
    const ofSome = { scopeName: 'PriorityClass', operator: 'In', values: [`${world().namespace}-some`] };
    const priority = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: `${world().namespace}-some` },
      value: 1,
    };
    await cluster().apply([priority, quota(2)]);
    const zero = {
      name: 'zero',
      grpo: { prompts: ['sums'], steps: 5, rewards: [{ accuracy: {} }] },
      rolloutWorkers: 3,
    };
    const defaults = { priorityClassName: `${world().namespace}-some` };
    await world().apply(name, { image: 'kwok/run', stages: [zero], defaults });
    const look = () => world().client.find(stages, { namespace: world().namespace, name: 'some-zero' });
    const lacking = await eventually('the stage says why', async () => {
      const found = await look();
      const { running, message } = found?.status?.rolloutWorkers ?? {};
      return running === 1 && message?.includes('exceeded quota') ? found : undefined;
    });
    expect(lacking?.status?.display?.message).toMatch(/^attempt 1 runs; 1 of 3 rollout workers: FailedCreate: .*quota/);
    expect(await world().kubectl('get', 'r1s', 'some-zero')).toMatch(/MESSAGE.*1 of 3 rollout workers/s);

    await cluster().apply([quota(4)]);
    const cured = await eventually('all of them run', async () => {
      const found = await look();
      return found?.status?.rolloutWorkers?.running === 3 ? found : undefined;
    });
    expect(cured?.status?.rolloutWorkers).toEqual({ asked: 3, running: 3 });
    expect(cured?.status?.display?.message).toBe('attempt 1 runs');
  });

  test('that the API server refuses a pod', async () => {
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } };
    await world().apply('invalid', { stages: row(1), defaults: { affinity } });
    const stage = await eventually('it says so', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'invalid-first' });
      return found !== undefined && wordsOf(found).includes('nodeSelectorTerms') && found;
    });
    expect(wordsOf(stage)).toMatch(/^attempt 1 cannot be started: .*nodeSelectorTerms.*Required value/s);
  });

  test.each([
    [400, 'Refused'],
    [406, 'Refused'],
    [500, 'Pending'],
  ])('that an admission webhook refuses a Job with %i', async (answer, state) => {
    const name = `refused-${answer}`;
    const grant = proxy().add({ when: createsJob, fault: { answer } });
    await world().apply(name, { stages: row(1) });
    const stage = await world().stage(name, 'first', state);
    expect(wordsOf(stage)).toBe('attempt 1 cannot be started: injected fault');
    grant();
  });
});

function createsJob({ method, path }: SeenRequest): boolean {
  return method === 'POST' && path.endsWith('/jobs');
}
