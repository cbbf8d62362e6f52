import { afterAll, beforeAll } from '@jest/globals';
import type { ControlPlane } from './control-plane.ts';
import { FaultProxy } from './fault-proxy.ts';
import { type RunningOperator, startOperator } from './operator.ts';
import { Pipelines } from './pipelines.ts';

/**
 * One operator for the tests of a block, in a namespace of its own, behind a proxy that writes down what it asks for. Each is
 * there only inside a test.
 *
 * @param args flags beside its namespace
 */
export function useOperator(cluster: () => ControlPlane, args: readonly string[] = []) {
  let world: Pipelines;
  let proxy: FaultProxy;
  let operator: RunningOperator;

  /** Starts one in the place of one that has ended, with some flags more. */
  const start = async (more: readonly string[] = []): Promise<void> => {
    operator = await startOperator({
      kubeconfig: proxy.kubeconfig,
      args: ['--namespace', world.namespace, ...args, ...more],
    });
  };

  beforeAll(async () => {
    world = new Pipelines(cluster(), await cluster().namespace());
    proxy = await FaultProxy.start(cluster().kubeconfig);
    await start();
  });

  afterAll(async () => {
    await operator?.stop();
    await proxy?.close();
    await world?.close();
  });

  return { start, world: () => world, proxy: () => proxy, operator: () => operator };
}
