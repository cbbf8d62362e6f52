import { expect } from '@jest/globals';
import { once } from 'node:events';
import { describeCluster } from '../support/describe-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startOperator, type RunningOperator } from '../support/operator.ts';
import { expectOrder } from './expect-order.ts';
import { longTest } from './long.ts';
import { applyShapes, chain, crowd, fork, retried, withImage } from './shapes.ts';
import { Witness } from './witness.ts';

/** What is promised of a second replica. */
const failoverMs = 20_000;

/** Together they last until another replica has taken over, with something to write in every second. */
const given = [withImage(chain, 'kwok/succeed:5s'), withImage(fork, 'kwok/succeed:7s'), retried, crowd];

interface Replica {
  readonly operator: RunningOperator;
  readonly proxy: FaultProxy;
}

interface Loss {
  readonly name: string;
  readonly lose: (leader: Replica) => Promise<void> | void;
  /** Afterwards, when another leads. */
  readonly recover?: (leader: Replica) => Promise<void> | void;
}

const losses: readonly Loss[] = [
  { name: 'is killed', lose: ({ operator }) => operator.kill() },
  {
    name: 'cannot renew its Lease, while all else works,',
    lose: ({ proxy }) => {
      proxy.add({ when: ({ path }) => path.includes('/leases'), fault: { silence: true } });
    },
  },
  {
    name: 'is cut off for a while',
    lose: ({ proxy }) => proxy.hush(true),
    recover: ({ proxy }) => proxy.hush(false),
  },
  {
    name: 'is frozen for a while',
    lose: ({ operator }) => void operator.process.kill('SIGSTOP'),
    recover: ({ operator }) => void operator.process.kill('SIGCONT'),
  },
];

describeCluster('of two replicas the one that leads', (cluster) => {
  longTest.each(losses)(
    '$name makes room for the other, and writes nothing once that one does',
    async ({ lose, recover }) => {
      await using witness = await Witness.of(cluster(), await cluster().namespace());
      const leader = await startReplica(witness);
      await eventually('the first one leads', async () => leader.operator.log().includes('"leading"'));
      const other = await startReplica(witness);
      const exited = once(leader.operator.process, 'exit');
      try {
        await applyShapes(cluster(), witness.namespace, given);
        await eventually('the leader has written', async () => writesOf(leader).length > 10);
        const lostAt = Date.now();
        await lose(leader);
        await eventually('the other one writes', async () => writesOf(other).length > 0, failoverMs);
        const [first] = writesOf(other);
        console.log(`another replica writes ${((first?.time ?? 0) - lostAt) / 1000} s later`);
        await recover?.(leader);
        await exited;
        await witness.until('all pipelines have ended', () => witness.hasEnded(given.length));

        expectOrder(witness, given);
        expect(writesOf(leader).filter(({ time }) => time >= (first?.time ?? 0))).toEqual([]);
      } finally {
        await Promise.all([leader, other].map(({ operator }) => operator.kill()));
        await Promise.all([leader, other].map(({ proxy }) => proxy.close()));
      }
    },
    180_000,
  );

  async function startReplica({ namespace }: Witness): Promise<Replica> {
    const proxy = await FaultProxy.start(cluster().kubeconfig);
    const args = ['--namespace', namespace, '--leader-election-id', namespace];
    return { proxy, operator: await startOperator({ kubeconfig: proxy.kubeconfig, args }) };
  }
});

function writesOf({ proxy }: Replica) {
  return proxy.requests.filter(({ write }) => write);
}
