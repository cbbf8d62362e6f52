import { KubeConfig, PortForward } from '@kubernetes/client-node';
import { KubeClient } from '../../operator/kube/client/client.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { foundInstead } from '../../trainer/contract/process/found-instead.ts';
import { Cluster } from './cluster.ts';
import { type ClusterOptions, inCluster } from './options.ts';

/** What KubeConfig calls its context when it found no kubeconfig. */
const noConfig = 'loaded-context';
const podContext = 'inClusterContext';

/**
 * The cluster that the options name, or that kubectl would talk to.
 *
 * @throws UserError when there is no such kubeconfig or context
 */
export function connect(options: ClusterOptions): Cluster {
  const config = loadConfig(options);
  const { server } = config.getCurrentCluster() ?? {};
  const context = config.getCurrentContext();
  if (server === undefined) throw new UserError(`context ${context}: found no cluster in the kubeconfig for it`);
  const namespace = options.namespace ?? config.getContextObject(context)?.namespace ?? 'default';
  const forward = new PortForward(config);
  return new Cluster({
    client: new KubeClient(config, { name: 'r1' }),
    context: context === podContext ? inCluster : context,
    namespace,
    server,
    async forwardPort(pod, port, socket) {
      // What the kubelet says of a port that nobody listens on comes after the connection is there: it is closed then.
      const joined = await forward.portForward(namespace, pod, [port], socket, null, socket);
      const tunnel = typeof joined === 'function' ? joined() : joined;
      tunnel?.addEventListener('close', () => socket.destroy());
      socket.once('close', () => tunnel?.close());
    },
  });
}

function loadConfig({ context, kubeconfig }: ClusterOptions): KubeConfig {
  const config = new KubeConfig();
  if (context === inCluster && kubeconfig === undefined) return loadFromPod(config);
  const source = kubeconfig ?? (process.env['KUBECONFIG'] || '~/.kube/config');
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    throw new UserError(`${source}: found ${foundInstead(cause)}, expected a kubeconfig`, { cause });
  }
  if (config.getCurrentContext() === noConfig) {
    throw new UserError(`found neither KUBECONFIG nor ${source}, expected a kubeconfig; --kubeconfig names one`);
  }
  return useContext(config, context ?? config.getCurrentContext(), source);
}

function loadFromPod(config: KubeConfig): KubeConfig {
  if (!process.env['KUBERNETES_SERVICE_HOST']) {
    throw new UserError(`--context ${inCluster}: found no KUBERNETES_SERVICE_HOST, expected to run in a pod`);
  }
  config.loadFromCluster();
  return config;
}

function useContext(config: KubeConfig, context: string | undefined, source: string): KubeConfig {
  const known = config.getContexts().map(({ name }) => name);
  if (context === undefined || !known.includes(context)) {
    const found = context === undefined ? 'no current context' : `no context "${context}"`;
    throw new UserError(`${source}: found ${found}, expected --context with one of ${known.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
  return config;
}
