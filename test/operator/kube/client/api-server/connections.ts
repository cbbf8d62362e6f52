import { KubeConfig } from '@kubernetes/client-node';
import { afterEach } from '@jest/globals';
import { KubeClient } from '../../../../../operator/kube/client/client.ts';
import type { ControlPlane } from '../../../../cluster/support/control-plane.ts';
import { FaultProxy } from '../../../../cluster/support/fault-proxy.ts';

/** Clients and proxies of the tests of a file, closed after each test, the newest first. */
export function useConnections() {
  const cleanUps: (() => Promise<void>)[] = [];
  const onEnd = (cleanUp: () => Promise<void>): void => void cleanUps.push(cleanUp);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });
  return {
    onEnd,
    connect: (kubeconfig: string): KubeClient => {
      const config = new KubeConfig();
      config.loadFromFile(kubeconfig);
      const client = new KubeClient(config);
      onEnd(() => client.close());
      return client;
    },
    startProxy: async (cluster: ControlPlane): Promise<FaultProxy> => {
      const proxy = await FaultProxy.start(cluster.kubeconfig);
      onEnd(() => proxy.close());
      return proxy;
    },
  };
}
