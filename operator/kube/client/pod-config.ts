import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Applied, ClusterConfig } from './credentials.ts';

/** What the kubelet gives to a pod with a service account. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The cluster that this process is a pod of. The client library can read the same, but costs the operator 55 MB of
 * memory for ways to sign in that no pod has.
 */
export class PodConfig implements ClusterConfig {
  readonly namespace: string;
  private readonly server: string;
  private readonly directory: string;

  private constructor(server: string, directory: string) {
    this.server = server;
    this.directory = directory;
    this.namespace = readFileSync(join(directory, 'namespace'), 'utf8').trim();
  }

  /** Undefined outside of a pod, or in one that has no token. */
  static load(environment = process.env, directory = serviceAccount): PodConfig | undefined {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
    if (!host || !existsSync(join(directory, 'token'))) return undefined;
    return new PodConfig(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, directory);
  }

  getCurrentCluster(): { readonly server: string } {
    return { server: this.server };
  }

  getCurrentUser(): null {
    return null;
  }

  /** Reads both files again, as the kubelet replaces them. */
  async applyToHTTPSOptions(options: Applied): Promise<void> {
    const [ca, token] = await Promise.all([
      readFile(join(this.directory, 'ca.crt')),
      readFile(join(this.directory, 'token'), 'utf8'),
    ]);
    Object.assign(options, { ca, headers: { Authorization: `Bearer ${token.trim()}` } });
  }
}
