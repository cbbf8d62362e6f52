import { afterAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCondition } from '../../operator/api/resources/conditions.ts';
import { volumeClaims } from '../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { row, wordsOf } from './support/pipelines.ts';
import { useOperator } from './support/use-operator.ts';

const asking = (memory: string) => ({ stages: row(1), defaults: { resources: { limits: { memory } } } });
const ranOnce = [{ outcome: 'Interrupted' }, { outcome: 'Succeeded' }];

describeCluster('what waits follows a person who', (cluster) => {
  const { world, proxy } = useOperator(cluster);
  const claimOf = (pipeline: string) =>
    world().client.get(volumeClaims, { namespace: world().namespace, name: `${pipeline}-volume` });

  test.each([
    { name: 'names another', storage: { storageClassName: 'hostpath' } },
    { name: 'leaves it to the cluster', storage: {} },
  ])('corrects a storage class that nobody serves: $name', async ({ storage }) => {
    const name = Object.keys(storage).length > 0 ? 'other-class' : 'default-class';
    await world().apply(name, { stages: row(1), storage: { storageClassName: 'none' } });
    await world().stage(name, 'first', 'VolumeUnavailable');
    await world().apply(name, { stages: row(1), storage });
    const done = await world().stage(name, 'first', 'Succeeded');
    expect(done.status?.attempts).toMatchObject(ranOnce);
    expect(done.status?.failures).toEqual({});
    expect((await claimOf(name)).spec?.storageClassName).toBe('hostpath');
  });

  test('asks for less than was asked of a claim that was never bound', async () => {
    const storage = { storageClassName: 'none', size: '5Gi' };
    await world().apply('smaller', { stages: row(1), storage });
    await world().stage('smaller', 'first', 'VolumeUnavailable');
    await world().apply('smaller', { stages: row(1), storage: { ...storage, size: '1Gi' } });
    await eventually('the claim is made anew', async () => {
      const claim = await claimOf('smaller').catch(() => undefined);
      return claim?.spec?.resources?.requests?.['storage'] === '1Gi';
    });
  });

  test('names another storage class for a volume that is bound, which stays', async () => {
    await world().apply('bound', { image: 'kwok/no-image', stages: row(1) });
    await world().stage('bound', 'first', 'ImageUnavailable');
    const before = await claimOf('bound');
    await world().apply('bound', { stages: row(1), storage: { storageClassName: 'none' } });
    await world().stage('bound', 'first', 'Succeeded');
    expect((await claimOf('bound')).metadata.uid).toBe(before.metadata.uid);
  });

  test('deletes the claim that a pod waits for', async () => {
    await world().apply('deleted', { stages: row(1), storage: { storageClassName: 'none' } });
    await world().stage('deleted', 'first', 'VolumeUnavailable');
    const before = await claimOf('deleted');
    await world().kubectl('delete', 'pvc', 'deleted-volume', '--wait=false');
    await eventually('the claim is made anew', async () => {
      const claim = await claimOf('deleted').catch(() => undefined);
      return claim !== undefined && claim.metadata.uid !== before.metadata.uid;
    });
    const stage = await world().stage('deleted', 'first', 'VolumeUnavailable');
    expect(stage.status?.failures).toEqual({});
  });

  test('deletes a pod that waits, which costs no retry', async () => {
    const defaults = { retry: { infrastructure: 0, disruption: 0, backoffSeconds: 0 } };
    await world().apply('unpulled', { image: 'kwok/no-image', defaults, stages: row(1) });
    await world().stage('unpulled', 'first', 'ImageUnavailable');
    await world().kubectl('delete', 'pod', '-l=r1.dev/pipeline=unpulled', '--wait=false');
    const stage = await eventually('there is another attempt', async () => {
      const found = await world().stage('unpulled', 'first', 'ImageUnavailable');
      return found.status?.attempts.length === 2 && found;
    });
    const [first] = stage.status?.attempts ?? [];
    expect(first).toMatchObject({ outcome: 'Interrupted' });
    expect(first?.message).toMatch(/^ended before it ran/);
    expect(stage.status?.failures).toEqual({});
  });

  test('asks for what a quota allows', async () => {
    const namespace = world().namespace;
    await cluster().apply([
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'memory', namespace },
        spec: { hard: { 'limits.memory': '1Ti' } },
      },
    ]);
    await world().apply('greedy', asking('2Ti'));
    const stage = await world().stage('greedy', 'first', 'Refused');
    expect(wordsOf(stage)).toContain('exceeded quota: memory');
    expect(findCondition(stage.status?.conditions, 'Waiting')).toMatchObject({ status: 'True', reason: 'Refused' });
    const pipeline = await world().pipeline('greedy', 'Refused');
    expect(findCondition(pipeline.status?.conditions, 'Waiting')).toMatchObject({ status: 'True', reason: 'Refused' });
    await world().apply('greedy', asking('1Gi'));
    const done = await world().stage('greedy', 'first', 'Succeeded');
    expect(done.status?.attempts).toMatchObject(ranOnce);
    await world().kubectl('delete', 'resourcequota', 'memory');
  });

  test.each([
    { what: 'pipeline', of: (name: string) => `r1pipeline/${name}` },
    { what: 'stage', of: (name: string) => `r1stage/${name}-first` },
  ])('deletes a $what that a finalizer holds up: it keeps no GPU, and goes once it is let go', async ({ what, of }) => {
    const name = `held-${what}`;
    await world().apply(name, { image: 'kwok/run', stages: row(1) });
    await world().stage(name, 'first', 'Running');
    const holding = (finalizers: readonly string[]) =>
      world().kubectl('patch', of(name), '--type=merge', `-p=${JSON.stringify({ metadata: { finalizers } })}`);
    await holding(['example.com/hold']);
    await world().kubectl('delete', of(name), '--wait=false');
    const pipeline = await eventually('it is said what holds it up', async () => {
      const found = await world().client.get(pipelines, { namespace: world().namespace, name });
      return wordsOf(found).includes('finalizer example.com/hold holds up') && found;
    });
    expect(findCondition(pipeline.status?.conditions, 'Succeeded')?.status).toBe('Unknown');
    await eventually('nothing of it runs', async () => (await world().podsOf(name)).length === 0);
    await holding([]);
    if (what === 'stage') await world().stage(name, 'first', 'Running');
    else await world().kubectl('wait', '--for=delete', of(name), '--timeout=60s');
  });

  test('deletes the Job of an attempt and leaves its pod, which is ended', async () => {
    await world().apply('orphaned', { image: 'kwok/run', stages: row(1), defaults: { retry: { backoffSeconds: 0 } } });
    await world().stage('orphaned', 'first', 'Running');
    const [orphan] = await world().podsOf('orphaned');
    await world().kubectl('delete', 'job', 'orphaned-first-1', '--cascade=orphan', '--wait=false');
    const stage = await eventually('there is another attempt', async () => {
      const found = await world().stage('orphaned', 'first', 'Running');
      return found.status?.attempts.length === 2 && found;
    });
    expect(stage.status?.attempts).toMatchObject([{ number: 1 }, { number: 2, outcome: 'Running' }]);
    const uids = (await world().podsOf('orphaned')).map(({ metadata }) => metadata.uid);
    expect(uids).not.toContain(orphan?.metadata.uid);
  });

  test('suspends a stage whose attempt an admission webhook lets nobody end', async () => {
    await world().apply('held', { image: 'kwok/run', stages: row(1) });
    await world().stage('held', 'first', 'Running');
    const grant = proxy().add({
      when: ({ method, path }) => method === 'PATCH' && path.includes('/jobs/held-first-1'),
      fault: { answer: 403 },
    });
    await world().kubectl('patch', 'r1p', 'held', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    const stage = await eventually('it says so', async () => {
      const found = await world().client.get(stages, { namespace: world().namespace, name: 'held-first' });
      return wordsOf(found).includes('cannot be ended') && found;
    });
    expect(wordsOf(stage)).toBe('suspended by pipeline held; it cannot be ended: injected fault');
    grant();
    await world().stage('held', 'first', 'Suspended');
  });
});

describeCluster('a stage that was applied without a pipeline', (cluster) => {
  const { world } = useOperator(cluster);

  test('goes on where it is asked for more steps after its end', async () => {
    const { namespace } = world();
    const lone = (steps: number) => ({
      apiVersion: 'r1.dev/v1alpha1',
      kind: 'R1Stage',
      metadata: { name: 'lone', namespace },
      spec: {
        pipeline: 'lone',
        stage: 'only',
        image: 'kwok/succeed',
        model: { init: { hiddenSize: 32, layers: 1, heads: 2, kvHeads: 1 } },
        datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
        pretrain: { data: ['sums'], steps },
      },
    });
    const succeeded = (attempts: number) =>
      eventually(`attempt ${attempts} has succeeded`, async () => {
        const found = await world().client.get(stages, { namespace, name: 'lone' });
        const { conditions, attempts: records } = found.status ?? {};
        return findCondition(conditions, 'Succeeded')?.status === 'True' && records?.length === attempts && found;
      });
    await cluster().apply([lone(10)]);
    await succeeded(1);
    await cluster().apply([lone(20)]);
    const { metadata, status } = await succeeded(2);
    expect(findCondition(status?.conditions, 'Succeeded')?.observedGeneration).toBe(metadata.generation);
  });
});

describeCluster('what waits follows an administrator who', (cluster) => {
  const directory = mkdtemp(join(tmpdir(), 'r1-defaults-'));
  const defaults = async (all: object, image: string): Promise<string[]> => {
    const path = join(await directory, 'stage-defaults.json');
    await writeFile(path, JSON.stringify({ all }));
    return [`--stage-defaults=${path}`, `--image=${image}`];
  };
  const { world, operator, start } = useOperator(cluster);
  afterAll(async () => rm(await directory, { recursive: true, force: true }));

  test('corrects the defaults of stages, and the image of the trainer', async () => {
    await operator().stop();
    await start(await defaults({ priorityClassName: 'none' }, 'kwok/succeed'));
    await world().apply('no-priority', { image: undefined, stages: row(1) });
    const refused = await world().stage('no-priority', 'first', 'Refused');
    expect(wordsOf(refused)).toContain('no PriorityClass with name none was found');

    await operator().stop();
    await start(await defaults({}, 'kwok/no-image'));
    await world().stage('no-priority', 'first', 'ImageUnavailable');

    await operator().stop();
    await start(await defaults({}, 'kwok/succeed'));
    const done = await world().stage('no-priority', 'first', 'Succeeded');
    expect(done.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, ...ranOnce]);
    expect(done.status?.failures).toEqual({});
  });
});
