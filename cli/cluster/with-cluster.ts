import type { Cluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';

/** Connects, and disconnects in the end. */
export async function withCluster<T>(options: ClusterOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { connect } = await import('./connect.ts'); // the Kubernetes library takes half a second to load
  await using cluster = connect(options);
  return await use(cluster);
}
