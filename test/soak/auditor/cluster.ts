import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import type { Job, Pipeline, Pod, Snapshot, Stage } from './objects.ts';

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority': string } },
  ];
  readonly users: readonly [
    { readonly user: { readonly 'client-certificate': string; readonly 'client-key': string } },
  ];
}

/** Reads lists, one after the other, and nothing else. */
export class Cluster {
  private readonly server: string;
  private readonly agent: Agent;

  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster }] = clusters;
    const [{ user }] = users;
    this.server = cluster.server;
    this.agent = new Agent({
      keepAlive: true,
      ca: readFileSync(cluster['certificate-authority']),
      cert: readFileSync(user['client-certificate']),
      key: readFileSync(user['client-key']),
    });
  }

  /**
   * What is there now, and not what a cache of the API server has: after etcd was gone that can be minutes old.
   *
   * @throws where the API server does not answer
   */
  async snapshot(namespace: string): Promise<Snapshot> {
    const ofOurs = '?labelSelector=r1.dev%2Fstage-uid';
    const list = <T>(group: string, plural: string, more = '') =>
      this.list<T>(`${group}/namespaces/${namespace}/${plural}${more}`);
    const [pipelines, stages, jobs, pods] = await Promise.all([
      list<Pipeline>('/apis/r1.dev/v1alpha1', 'r1pipelines'),
      list<Stage>('/apis/r1.dev/v1alpha1', 'r1stages'),
      list<Job>('/apis/batch/v1', 'jobs', ofOurs),
      list<Pod>('/api/v1', 'pods', ofOurs),
    ]);
    return { pipelines, stages, jobs, pods };
  }

  private async list<T>(path: string): Promise<readonly T[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly T[]>();
    const request = get(`${this.server}${path}`, { agent: this.agent, timeout: 10_000 }, (response) => {
      text(response)
        .then((body) => {
          if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
          resolve((JSON.parse(body) as { readonly items: readonly T[] }).items);
        }, reject)
        .catch(reject);
    });
    request.on('timeout', () => request.destroy(new Error(`${path}: no answer`))).on('error', reject);
    return promise;
  }
}
