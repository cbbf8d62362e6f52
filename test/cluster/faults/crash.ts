import type { FaultProxy } from '../support/fault-proxy.ts';
import { startOperator } from '../support/operator.ts';
import type { Witness } from './witness.ts';

export interface CrashOptions {
  readonly proxy: FaultProxy;
  readonly witness: Witness;
  /** Settles when all is over. */
  readonly ended: Promise<void>;
  /** How many writes the n-th operator makes; counts from 0. */
  readonly writes: (n: number) => number;
  /** After so many crashes the next operator is left alone. */
  readonly most: number;
}

/**
 * Runs one operator after the other until all is over. Each is killed once the API server has executed a
 * write of it, and before it hears of that. Returns how many were.
 */
export async function crashAfterWrites({ proxy, witness, ended, writes, most }: CrashOptions): Promise<number> {
  for (let crashes = 0; ; crashes++) {
    const crashed = Promise.withResolvers<'crashed'>();
    const starting = startOperator({ kubeconfig: proxy.kubeconfig, args: flags(witness.namespace, crashes) });
    if (crashes < most) {
      proxy.afterWrite(writes(crashes), async () => {
        await (await starting).kill();
        crashed.resolve('crashed');
      });
    }
    // oxlint-disable no-await-in-loop -- one after the other
    const operator = await starting;
    const end = await Promise.race([crashed.promise, ended]);
    if (end === 'crashed') continue;
    proxy.afterWrite(Infinity, () => undefined);
    await operator.stop();
    // oxlint-enable no-await-in-loop
    return crashes;
  }
}

/** Each start has a Lease of its own, so that none waits for the end of that of a dead one. */
export function flags(namespace: string, start: number): string[] {
  return ['--namespace', namespace, '--leader-election-id', `${namespace}-${start}`];
}
