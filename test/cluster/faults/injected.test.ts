import { expect, test } from '@jest/globals';
import { integer, randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { FaultProxy, type Fault } from '../support/fault-proxy.ts';
import { startOperator } from '../support/operator.ts';
import type { SeenRequest } from '../support/seen-request.ts';
import { flags } from './crash.ts';
import { expectOrder } from './expect-order.ts';
import { long } from './long.ts';
import { applyShapes, chain, fork, shapes } from './shapes.ts';
import { Witness } from './witness.ts';

const given = long ? shapes : [chain, fork];
const rounds = long ? 5 : 1;

type Chance = readonly [share: number, fault: Fault];

// The start of an attempt takes five writes, and one that fails is followed by a pause that doubles each time.
const ofWrites: readonly Chance[] = [
  [0.03, { answer: 409 }],
  [0.03, { answer: 429, retryAfterSeconds: 1 }],
  [0.03, { answer: 500 }],
  [0.03, { answer: 503 }],
  [0.03, { loseAnswer: true }],
  [0.1, { delayMs: 700 }],
];
const ofReads: readonly Chance[] = [
  [0.1, { answer: 429, retryAfterSeconds: 1 }],
  [0.1, { answer: 500 }],
  [0.05, { loseAnswer: true }],
];
const ofWatches: readonly Chance[] = [
  [0.2, { watchError: 410 }],
  [0.1, { watchError: 500 }],
  [0.1, { answer: 429, retryAfterSeconds: 1 }],
  [0.1, { answer: 500 }],
  [0.1, { delayMs: 700 }],
];

describeCluster('an operator whose API server has bad days', (cluster) => {
  test.each(Array.from({ length: rounds }, (_, round) => ({ round })))(
    'makes nothing twice and comes to its end (seed $round)',
    async ({ round }) => {
      await using witness = await Witness.of(cluster(), await cluster().namespace());
      const proxy = await FaultProxy.start(cluster().kubeconfig);
      const operator = await startOperator({ kubeconfig: proxy.kubeconfig, args: flags(witness.namespace, 0) });
      const draw = randomKey('injected', round);
      let [drawn, injected, cut] = [0, 0, 0];
      const inject = (share: number): boolean => uniform(draw, drawn++) < share && ++injected > 0;
      for (const [kind, chances] of [
        [isWrite, ofWrites],
        [isRead, ofReads],
        [isWatch, ofWatches],
      ] as const) {
        for (const [share, fault] of chances) proxy.add({ when: (request) => kind(request) && inject(share), fault });
      }
      const cuts = setInterval(() => {
        if (integer(draw, drawn++, 3) === 0) cut += proxy.cutWatches();
      }, 500);
      try {
        await applyShapes(cluster(), witness.namespace, given);
        await witness.until('all pipelines have ended', () => witness.hasEnded(given.length), 300_000);
        expectOrder(witness, given);
        expect(Object.values(witness.outcome())).toEqual(
          Object.keys(witness.outcome()).map(() => expect.objectContaining({ display: succeeded })),
        );
        expect(injected).toBeGreaterThan(0);
        if (long) console.log(`${injected} faults injected, ${cut} watches cut`);
      } catch (error) {
        console.log(operator.log());
        console.log(await cluster().kubectl('get', 'r1p,r1s,jobs,pods', '-n', witness.namespace, '-o=wide'));
        throw error;
      } finally {
        clearInterval(cuts);
        await operator.kill();
        await proxy.close();
      }
    },
    400_000,
  );
});

const succeeded: unknown = expect.objectContaining({ state: 'Succeeded' });

/** Leases are left alone: an operator that cannot renew its own ends, as another test shows. */
function isWrite({ write }: SeenRequest): boolean {
  return write;
}

function isRead({ method, watch, path }: SeenRequest): boolean {
  return method === 'GET' && !watch && !path.includes('/leases');
}

function isWatch({ watch }: SeenRequest): boolean {
  return watch;
}
