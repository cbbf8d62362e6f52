import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { LeaderElection, type LeaderTiming } from '../../../../../operator/kube/client/leader-election.ts';
import { leases } from '../../../../../operator/kube/client/resources.ts';
import { describeCluster } from '../../../../cluster/support/describe-cluster.ts';
import { eventually } from '../../../../support/eventually.ts';
import { useConnections } from './connections.ts';

const { connect, startProxy, onEnd } = useConnections();

describeCluster('leader election', (cluster) => {
  // Short for whoever waits here, and long for a process that a busy machine makes wait.
  const short: LeaderTiming = { leaseMs: 5000, deadlineMs: 3000, renewMs: 300, retryMs: 100 };

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
    onEnd(() => election.release());
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
      leaseDurationSeconds: 5,
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
    expect(first.lost).toEqual([{ why: 'could not renew it for 3 s', at: expect.any(Number) }]);
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
    await eventually(() => expect(errors.length).toBeGreaterThan(1));
    recover();
    await sleep(short.deadlineMs + 500);
    expect(election.leading).toBe(true);
    expect(lost).toEqual([]);
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
