import { clusterSource } from './cluster/cluster-source.ts';
import { namesCluster } from './cluster/options.ts';
import { withCluster } from './cluster/with-cluster.ts';
import { localSource } from './local-source.ts';
import type { PipelineSource } from './pipeline-source.ts';
import type { PlaceOptions } from './place-options.ts';

/** Looks where the options point to: to a cluster if they name one, else to the state on this machine. */
export async function withSource<T>(
  options: PlaceOptions & { readonly allNamespaces?: boolean },
  use: (source: PipelineSource) => Promise<T>,
): Promise<T> {
  const { allNamespaces = false, state } = options;
  if (state !== undefined && !namesCluster(options) && !allNamespaces) return use(localSource(state));
  return withCluster(options, (cluster) => use(clusterSource(cluster, allNamespaces)));
}
