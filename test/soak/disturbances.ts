import { setTimeout as sleep } from 'node:timers/promises';
import { integer, uniform, type RandomKey } from '../../trainer/algorithms/random.ts';
import type { ControlPlane } from '../cluster/support/control-plane.ts';
import type { Deployment } from '../cluster/faults/deployment.ts';

const waysToDisturb = ['operator killed', 'operator ended', 'API server killed', 'etcd killed'] as const;
export type Disturbance = (typeof waysToDisturb)[number];

/** The longest that a program of the control plane stays down, and the operator is left alone, in milliseconds. */
const most = { downMs: 10_000, quietMs: 60_000 };

/**
 * Breaks something every ten to seventy seconds, and has it back soon; which and when follows from the key.
 *
 * @returns how often each was done
 */
export async function disturb(
  cluster: ControlPlane,
  operator: Deployment,
  key: RandomKey,
  until: AbortSignal,
): Promise<Map<Disturbance, number>> {
  const done = new Map<Disturbance, number>(waysToDisturb.map((each) => [each, 0]));
  for (let n = 0; ; n++) {
    // oxlint-disable no-await-in-loop -- one after the other
    await sleep(10_000 + uniform(key, 3 * n) * most.quietMs, undefined, { signal: until }).catch(() => undefined);
    if (until.aborted) return done;
    const what = waysToDisturb[integer(key, 3 * n + 1, waysToDisturb.length)]!;
    done.set(what, (done.get(what) ?? 0) + 1);
    if (what === 'operator killed') operator.operator.process.kill('SIGKILL');
    else if (what === 'operator ended') operator.operator.process.kill('SIGTERM');
    else {
      const program = what === 'etcd killed' ? 'etcd' : 'kube-apiserver';
      await cluster.stop(program);
      await sleep(uniform(key, 3 * n + 2) * most.downMs);
      await cluster.start(program);
    }
    // oxlint-enable no-await-in-loop
  }
}
