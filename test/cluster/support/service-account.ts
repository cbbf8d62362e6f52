import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from './control-plane.ts';

/** A kubeconfig that signs in as a service account, as a pod does. */
export async function kubeconfigOf(account: string, namespace: string, cluster: ControlPlane): Promise<string> {
  const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as { users: { user: object }[] };
  const token = (await cluster.kubectl('create', 'token', account, '-n', namespace)).trim();
  const path = join(cluster.directory, `${namespace}-${account}.kubeconfig`);
  await writeFile(path, stringify({ ...config, users: config.users.map((each) => ({ ...each, user: { token } })) }));
  return path;
}

/** The same kubeconfig with a namespace in its context: for an operator, the one of its Lease. */
export async function inNamespace(kubeconfig: string, namespace: string): Promise<string> {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { contexts: { context: object }[] };
  const contexts = config.contexts.map((each) => ({ ...each, context: { ...each.context, namespace } }));
  const path = `${kubeconfig}.namespaced`;
  await writeFile(path, stringify({ ...config, contexts }));
  return path;
}
