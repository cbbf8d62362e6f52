import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { integer, randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startOperator } from '../support/operator.ts';
import { crashAfterWrites, flags } from './crash.ts';
import { expectOrder } from './expect-order.ts';
import { long } from './long.ts';
import { applyShapes, pair, shapes } from './shapes.ts';
import { Witness } from './witness.ts';

const given = long ? shapes : [pair];
const crashes = long ? 200 : 15;
const kills = long ? 10 : 4;

describeCluster('an operator that is killed', (cluster) => {
  let undisturbed: Record<string, unknown>;
  let proxy: FaultProxy;

  beforeAll(async () => {
    proxy = await FaultProxy.start(cluster().kubeconfig);
    await using witness = await freshPipelines();
    const operator = await startOperator({ kubeconfig: proxy.kubeconfig, args: flags(witness.namespace, 0) });
    await witness.until('all pipelines have ended', () => witness.hasEnded(given.length));
    await operator.stop();
    expectOrder(witness, given, 'undisturbed');
    undisturbed = witness.outcome();
  }, 300_000);

  afterAll(async () => proxy?.close());

  async function freshPipelines(): Promise<Witness> {
    const witness = await Witness.of(cluster(), await cluster().namespace());
    await applyShapes(cluster(), witness.namespace, given);
    return witness;
  }

  test(
    `${crashes} times after a write of which it heard nothing makes nothing twice and comes to the same end`,
    async () => {
      for (let [round, count] = [0, 0]; count < crashes; round++) {
        // oxlint-disable no-await-in-loop -- one after the other
        await using witness = await freshPipelines();
        const key = randomKey('crashes', round);
        count += await crashAfterWrites({
          proxy,
          witness,
          ended: witness.until('all pipelines have ended', () => witness.hasEnded(given.length), 1_800_000),
          // In every second round each write is the last one of its operator.
          writes: (n) => (round % 2 === 0 ? 1 : 1 + integer(key, n, 4)),
          most: crashes - count,
        });
        // oxlint-enable no-await-in-loop
        expectOrder(witness, given);
        expect(witness.outcome()).toEqual(undisturbed);
        if (long) console.log(`${count} crashes`);
      }
    },
    long ? 3_600_000 : 300_000,
  );

  test(`at ${kills} moments makes nothing twice and comes to the same end`, async () => {
    await using witness = await freshPipelines();
    const key = randomKey('moments');
    for (let kill = 0; kill < kills; kill++) {
      // oxlint-disable no-await-in-loop -- one after the other
      const operator = await startOperator({ kubeconfig: proxy.kubeconfig, args: flags(witness.namespace, kill) });
      await sleep(uniform(key, kill) * 1500);
      await operator.kill();
      // oxlint-enable no-await-in-loop
    }
    const last = await startOperator({ kubeconfig: proxy.kubeconfig, args: flags(witness.namespace, kills) });
    await witness.until('all pipelines have ended', () => witness.hasEnded(given.length));
    await last.stop();
    expectOrder(witness, given);
    expect(witness.outcome()).toEqual(undisturbed);
  }, 300_000);
});
