import type { Command } from 'commander';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { isPlugin } from '../invocation.ts';

/** The context that stands for the service account of the pod that this program runs in. */
export const inCluster = 'in-cluster';

export interface ClusterOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

/** The options by which kubectl, too, is told where to go. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--context <name>', `context of the kubeconfig; ${inCluster} is the service account of this pod`)
    .option('--kubeconfig <file>', 'this kubeconfig instead of KUBECONFIG or ~/.kube/config')
    .option('-n, --namespace <name>', 'namespace instead of that of the context');
}

/** The same options as text, each with a blank before it, for a command that a person is told. */
export function clusterFlags({ context, kubeconfig, namespace }: ClusterOptions): string {
  return Object.entries({ context, kubeconfig, namespace })
    .flatMap(([option, value]) => (value === undefined ? [] : [` --${option} ${value}`]))
    .join('');
}

/** Whether a command is about a cluster, and not about the state on this machine. */
export function namesCluster({ context, kubeconfig, namespace }: ClusterOptions): boolean {
  return isPlugin || context !== undefined || kubeconfig !== undefined || namespace !== undefined;
}

/**
 * For commands that only clusters have.
 *
 * @param locally what does the same on this machine
 * @throws UserError when no cluster was named
 */
export function requireCluster(options: ClusterOptions, command: string, locally: string): void {
  if (namesCluster(options)) return;
  throw new UserError(
    `${command}: found no --context, --kubeconfig or --namespace, expected one that names a cluster; on this machine ${locally}`,
  );
}
