import { UserError } from '../../trainer/contract/process/errors.ts';
import { KubeClient } from './client/client.ts';
import type { ClusterConfig } from './client/credentials.ts';
import { Controller } from './controller.ts';
import { StatusServer } from './health.ts';
import { LeaderElection } from './client/leader-election.ts';
import { createLogger, type LogLevel } from './logger.ts';
import { OperatorMetrics } from './metrics.ts';
import { PodConfig } from './client/pod-config.ts';
import type { RequestRecord } from './client/transport.ts';
import type { StageDefaults } from '../api/resources/stage-defaults.ts';

export interface OperatorOptions {
  /** Empty: all. */
  readonly namespace: readonly string[];
  readonly image: string;
  readonly hubEndpoint?: string | undefined;
  readonly leaderElectionId: string;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
  readonly defaults: StageDefaults;
}

/**
 * The operator from its first line of log to its last. It watches from the start, so that it can act at once when it
 * becomes the leader, and ends when it is asked to, or when it does not lead any more: whoever leads then must be alone.
 *
 * @returns the exit code
 */
export async function runOperator(options: OperatorOptions): Promise<number> {
  const logger = createLogger(options.logLevel);
  const metrics = new OperatorMetrics();
  const { config, namespace } = await loadConfig();
  const onRequest = (request: RequestRecord): void => metrics.requested(request);
  // A process that was frozen finds itself in the middle of a pass when it goes on, and somebody else leading.
  const client = new KubeClient(config, { onRequest, mayWrite: () => election.leading });
  const controller = new Controller({
    ...options,
    namespaces: options.namespace,
    hubEndpoint: options.hubEndpoint,
    client,
    metrics,
    logger,
  });
  const end = Promise.withResolvers<number>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info('asked to end', { signal });
      end.resolve(0);
    });
  }

  const lease = { namespace, name: options.leaderElectionId };
  const election = new LeaderElection({
    client: new KubeClient(config, { onRequest }), // its few requests wait for no others
    lease,
    onLost: (why) => {
      logger.error('leadership was lost', { lease, why });
      end.resolve(1);
    },
    onError: (error) => logger.warn('lease could not be renewed', { lease, error }),
  });
  const servers = await Promise.all([
    StatusServer.health(options.healthPort, () => (controller.synced ? undefined : 'the first lists are not complete')),
    StatusServer.metrics(options.metricsPort, metrics.registry),
  ]);
  logger.info('started', { namespaces: options.namespace, image: options.image });

  void controller
    .watch()
    .then(async () => election.lead())
    .then(() => {
      logger.info('leading', { lease, identity: election.identity });
      metrics.led(true);
      controller.start();
    });

  const exitCode = await end.promise;
  // When the lease was lost another operator may act already: nothing that is under way must go on.
  if (exitCode === 0) {
    await controller.stop();
    await election.release();
    await Promise.all(servers.map((server) => server.close()));
    await client.close();
  }
  logger.info('ended', { exitCode });
  return exitCode;
}

/** The cluster, and the namespace of the operator itself. */
async function loadConfig(): Promise<{ readonly config: ClusterConfig; readonly namespace: string }> {
  const pod = process.env['KUBECONFIG'] ? undefined : PodConfig.load();
  if (pod !== undefined) return { config: pod, namespace: pod.namespace };
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  const context = config.getContextObject(config.getCurrentContext());
  if (config.getCurrentCluster() === null || context === null) {
    throw new UserError('found neither KUBECONFIG nor the files of a pod, expected one of them');
  }
  return { config, namespace: context.namespace ?? 'default' };
}
