import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, expect, test } from '@jest/globals';
import { KubeClient } from '../../../operator/kube/client.ts';
import { EventRecorder } from '../../../operator/kube/events.ts';
import { LeaderElection, type LeaderTiming } from '../../../operator/kube/leader.ts';
import type { WatchEnd, WatchTiming } from '../../../operator/kube/list-watch.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { configMaps, events, leases, pods, type ConfigMap } from '../../../operator/kube/resources.ts';
import type { ControlPlane } from '../../cluster/support/control-plane.ts';
import { describeCluster } from '../../cluster/support/describe-cluster.ts';
import { FaultProxy } from '../../cluster/support/fault-proxy.ts';
import { eventually } from '../../support/eventually.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function connect(kubeconfig: string): KubeClient {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const client = new KubeClient(config);
  cleanUps.push(() => client.close());
  return client;
}

async function startProxy(cluster: ControlPlane): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(cluster.kubeconfig);
  cleanUps.push(() => proxy.close());
  return proxy;
}

describeCluster('the client', (cluster) => {
  test('applies a status, of this object and no other', async () => {
    const client = connect(cluster().kubeconfig);
    const metadata = { namespace: await cluster().namespace(), name: 'x' };
    const containers = [{ name: 'c', image: 'kwok/run' }];
    const pod = await client.create(pods, { metadata, spec: { containers, nodeName: 'nowhere' } });
    await client.applyStatus(pods, pod, { phase: 'Running', message: 'm' });
    const { status } = await client.applyStatus(pods, pod, { phase: 'Failed' });
    expect([status?.phase, status?.message]).toEqual(['Failed', undefined]);
    const another = { ...pod, metadata: { ...pod.metadata, uid: '0a0a0a0a-0000-4000-8000-000000000000' } };
    await expect(client.applyStatus(pods, another, { phase: 'Running' })).rejects.toThrow(/uid/i);
    await client.delete(pods, metadata);
    await expect(client.applyStatus(pods, pod, { phase: 'Running' })).rejects.toMatchObject({ status: 404 });
  });

  test('creates, reads, patches, replaces and deletes', async () => {
    const client = connect(cluster().kubeconfig);
    const name = { namespace: await cluster().namespace(), name: 'x' };
    const created = await client.create(configMaps, { metadata: name, data: { a: '1' } });
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/);

    await client.mergePatch(configMaps, name, { metadata: { labels: { l: 'v' } }, data: { a: null, b: 'ü' } });
    const read = await client.get(configMaps, name);
    expect([read.data, read.metadata.labels]).toEqual([{ b: 'ü' }, { l: 'v' }]);

    await client.replace(configMaps, { ...read, data: { d: '1' } });
    await expect(client.replace(configMaps, read)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    await expect(client.create(configMaps, { metadata: { ...name, name: 'Not A Name' } })).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
    });
    await expect(client.delete(configMaps, name, 'another uid')).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
    });
    const another = { ...created, metadata: { ...created.metadata, uid: '0a0a0a0a-0000-4000-8000-000000000000' } };
    await expect(client.mergePatch(configMaps, another.metadata, { data: {} })).rejects.toThrow(/uid/i);
    await client.delete(configMaps, name, read.metadata.uid);
    await expect(client.get(configMaps, name)).rejects.toMatchObject({ status: 404, reason: 'NotFound' });
    await expect(client.log(name.namespace, 'nobody')).rejects.toThrow('pods "nobody" not found');
  });

  test('lists page by page', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    for (const name of ['a', 'b', 'c']) await client.create(configMaps, { metadata: { namespace, name } });
    const first = await client.list(configMaps, namespace, { limit: 2 });
    const second = await client.list(configMaps, namespace, { limit: 2, continue: first.continueToken });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual([
      'a',
      'b',
      'c',
      'kube-root-ca.crt',
    ]);
    expect(second.continueToken).toBeUndefined();
  });
});

const timing: Partial<WatchTiming> = { silenceMs: 100_000, backoffMs: [20, 200] };

describeCluster('a reflector', (cluster) => {
  async function follow(overrides: Partial<WatchTiming> = {}) {
    const proxy = await startProxy(cluster());
    const direct = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const changes: string[] = [];
    const restarts: WatchEnd[] = [];
    const reflector = new Reflector<ConfigMap>({
      client: connect(proxy.kubeconfig),
      kind: configMaps,
      namespaces: [namespace],
      labelSelector: 'watched',
      timing: { ...timing, ...overrides },
      onRestart: (_, why) => restarts.push(why),
    });
    reflector.onChange((before, after) => {
      changes.push(`${before?.data?.['v'] ?? '·'} → ${after?.data?.['v'] ?? '·'}`);
    });
    cleanUps.push(() => reflector.stop());
    await reflector.start();
    return {
      proxy,
      changes,
      restarts,
      write: (name: string, v: string) =>
        direct
          .mergePatch(configMaps, { namespace, name }, { data: { v } })
          .catch(() =>
            direct.create(configMaps, { metadata: { namespace, name, labels: { watched: '' } }, data: { v } }),
          ),
      remove: (name: string) => direct.delete(configMaps, { namespace, name }),
    };
  }

  test('sees each change within a second', async () => {
    const { changes, write, remove } = await follow();
    await write('x', '1');
    await eventually(() => expect(changes).toEqual(['· → 1']), 1000);
    await write('x', '2');
    await remove('x');
    await eventually(() => expect(changes).toEqual(['· → 1', '1 → 2', '2 → ·']), 1000);
  });

  test('goes on where it was when its connection is cut', async () => {
    const { proxy, changes, restarts, write } = await follow();
    await write('x', '1');
    await eventually(() => expect(changes).toHaveLength(1));
    expect(proxy.cutWatches()).toBe(1);
    await write('x', '2');
    await write('x', '3');
    await eventually(() => expect(changes).toEqual(['· → 1', '1 → 2', '2 → 3']));
    expect(restarts).toEqual(['failed']);
    expect(proxy.requests.filter(({ watch }) => !watch)).toHaveLength(1);
  });

  test('lists again when its version is too old, and tells the difference', async () => {
    const { proxy, changes, restarts, write, remove } = await follow();
    await write('gone', '1');
    await write('stays', '1');
    await eventually(() => expect(changes).toHaveLength(2));
    const shut = proxy.add({ when: ({ watch }) => watch, fault: { answer: 503 } });
    proxy.cutWatches();
    await remove('gone');
    await write('new', '2');
    proxy.add({ when: ({ watch }) => watch, fault: { watchError: 410 }, times: 1 });
    shut();
    await eventually(() => expect(changes.slice(2)).toEqual(['1 → ·', '· → 2']));
    expect(restarts.at(-1)).toBe('expired');
  });

  test('asks again after 429 and 500', async () => {
    const { proxy, changes, write } = await follow();
    proxy.add({ when: () => true, fault: { answer: 429, retryAfterSeconds: 1 }, times: 1 });
    proxy.add({ when: () => true, fault: { answer: 500 }, times: 3 });
    proxy.cutWatches();
    await write('x', '1');
    await eventually(() => expect(changes).toEqual(['· → 1']));
  });

  test('hears what happened while nothing came through and nothing was closed', async () => {
    const { proxy, changes, restarts, write } = await follow({ silenceMs: 400 });
    proxy.hush(true);
    await write('x', '1');
    await sleep(600);
    expect(changes).toEqual([]);
    proxy.hush(false);
    await eventually(() => expect(changes).toEqual(['· → 1']));
    expect(restarts).toContain('silent');
  });
});

describeCluster('leader election', (cluster) => {
  const short: LeaderTiming = { leaseMs: 2000, deadlineMs: 1200, renewMs: 300, retryMs: 100 };

  function candidate(kubeconfig: string, namespace: string) {
    const lost: { why: string; at: number }[] = [];
    const errors: unknown[] = [];
    const election = new LeaderElection({
      client: connect(kubeconfig),
      lease: { namespace, name: 'r1-operator' },
      timing: short,
      onLost: (why) => lost.push({ why, at: performance.now() }),
      onError: (error) => errors.push(error),
    });
    cleanUps.push(() => election.release());
    const elected = election.lead().then(() => performance.now());
    return { election, elected, lost, errors };
  }

  test('one of two leads, and the other as soon as the first goes', async () => {
    const namespace = await cluster().namespace();
    const first = candidate(cluster().kubeconfig, namespace);
    await first.elected;
    const second = candidate(cluster().kubeconfig, namespace);
    await sleep(short.leaseMs + 500);
    expect([first.election.leading, second.election.leading]).toEqual([true, false]);

    await first.election.release();
    await second.elected;
    expect([first.election.leading, second.election.leading]).toEqual([false, true]);
    const { spec } = await connect(cluster().kubeconfig).get(leases, { namespace, name: 'r1-operator' });
    expect(spec).toMatchObject({
      holderIdentity: second.election.identity,
      leaseTransitions: 1,
      leaseDurationSeconds: 2,
    });
    expect([...first.lost, ...first.errors, ...second.lost, ...second.errors]).toEqual([]);
  });

  test('who is cut off knows it before another leads', async () => {
    const namespace = await cluster().namespace();
    const proxy = await startProxy(cluster());
    const first = candidate(proxy.kubeconfig, namespace);
    await first.elected;
    const second = candidate(cluster().kubeconfig, namespace);
    await sleep(500);
    proxy.hush(true);
    const secondAt = await second.elected;
    expect(first.lost).toEqual([{ why: 'could not renew it for 1.2 s', at: expect.any(Number) }]);
    expect(first.lost[0]?.at).toBeLessThan(secondAt);
    expect(first.election.leading).toBe(false);
    proxy.hush(false);
  });

  test('an API server that fails for less than the deadline changes nothing', async () => {
    const namespace = await cluster().namespace();
    const proxy = await startProxy(cluster());
    const { election, elected, lost, errors } = candidate(proxy.kubeconfig, namespace);
    await elected;
    const recover = proxy.add({ when: () => true, fault: { answer: 500 } });
    await sleep(800);
    recover();
    await sleep(1500);
    expect(election.leading).toBe(true);
    expect([lost.length, errors.length > 0]).toEqual([0, true]);
  });

  test('a lease that another has taken is lost, one that was deleted is made again', async () => {
    const namespace = await cluster().namespace();
    const name = { namespace, name: 'r1-operator' };
    const client = connect(cluster().kubeconfig);
    const { election, elected, lost } = candidate(cluster().kubeconfig, namespace);
    await elected;
    await client.delete(leases, name);
    await eventually(async () => {
      expect((await client.find(leases, name))?.spec?.holderIdentity).toBe(election.identity);
    });
    expect(election.leading).toBe(true);

    await client.mergePatch(leases, name, { spec: { holderIdentity: 'thief' } });
    await eventually(() => expect(lost).toMatchObject([{ why: 'thief holds it' }]));
  });

  test('a process that slept through its lease does not lead', async () => {
    const { election, elected } = candidate(cluster().kubeconfig, await cluster().namespace());
    await elected;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, short.leaseMs + 100);
    expect(election.leading).toBe(false);
  });
});

const mustNotFail = (error: unknown) => expect(error).toBeUndefined();
const onDrop = () => expect('an event').toBe('written');

describeCluster('events', (cluster) => {
  test('are what kubectl describe shows, and are not repeated', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const pod = await client.create(pods, {
      metadata: { namespace, name: 'x' },
      spec: { nodeName: 'nowhere', containers: [{ name: 'c', image: 'none' }] },
    });
    const recorder = new EventRecorder({ client, onError: mustNotFail, onDrop });
    for (let i = 0; i < 3; i++) {
      recorder.record(pods, pod, { type: 'Warning', reason: 'AttemptFailed', message: 'attempt 1: out of memory' });
    }
    recorder.record(pods, pod, { type: 'Normal', reason: 'Retrying', message: 'x'.repeat(5000) });
    await recorder.flush();
    const described = await cluster().kubectl('describe', 'pod', 'x', '-n', namespace);
    expect(described).toMatch(/Warning +AttemptFailed +\S+ +r1-operator +attempt 1: out of memory/);
    expect(described.match(/AttemptFailed/g)).toHaveLength(1);
    expect(described).toMatch(/Retrying +\S+ +r1-operator +x{1023}…/);
  });

  test('of good news are dropped when there are too many, those of bad news never', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const object = await client.create(configMaps, { metadata: { namespace, name: 'x' } });
    let dropped = 0;
    const recorder = new EventRecorder({ client, onError: mustNotFail, onDrop: () => dropped++ });
    for (let i = 0; i < 100; i++) {
      recorder.record(configMaps, object, { type: 'Normal', reason: 'Completed', message: `${i} steps` });
      recorder.record(configMaps, object, { type: 'Warning', reason: 'AttemptFailed', message: `attempt ${i}` });
    }
    await recorder.flush();
    const { items } = await client.list(events, namespace);
    const written = Object.groupBy(items, ({ type }) => type ?? '');
    expect(written['Warning']).toHaveLength(100);
    expect(written['Normal']).toHaveLength(100 - dropped);
    expect(dropped).toBeGreaterThan(20);
  });

  test('that cannot be written are lost and reported', async () => {
    const client = connect(cluster().kubeconfig);
    const namespace = await cluster().namespace();
    const object = await client.create(configMaps, { metadata: { namespace, name: 'x' } });
    const errors: unknown[] = [];
    const recorder = new EventRecorder({ client, onError: (error) => errors.push(error), onDrop });
    const metadata = { ...object.metadata, namespace: 'there-is-no-such' };
    recorder.record(configMaps, { ...object, metadata }, { type: 'Normal', reason: 'X', message: 'y' });
    await recorder.flush();
    expect(errors).toHaveLength(1);
  });
});
