import type { Socket } from 'node:net';
import type { KubeClient } from '../../operator/kube/client/client.ts';
import { explain } from './cluster-error.ts';

/** Joins a connection to a port of a pod in the namespace; resolves once it is joined. */
export type ForwardPort = (pod: string, port: number, socket: Socket) => Promise<void>;

/** One namespace of a cluster, seen by one user. */
export class Cluster {
  readonly context: string;
  readonly namespace: string;
  /** For messages: `context kind, namespace team`. */
  readonly place: string;
  readonly forwardPort: ForwardPort;
  private readonly client: KubeClient;
  private readonly server: string;

  constructor(given: {
    readonly client: KubeClient;
    readonly context: string;
    readonly namespace: string;
    readonly server: string;
    readonly forwardPort: ForwardPort;
  }) {
    this.context = given.context;
    this.namespace = given.namespace;
    this.place = `context ${given.context}, namespace ${given.namespace}`;
    this.forwardPort = given.forwardPort;
    this.client = given.client;
    this.server = given.server;
  }

  /**
   * @param doing what the request is for, such as `list r1pipelines`
   * @throws ClusterError in the words of a person
   */
  async ask<T>(doing: string, request: (client: KubeClient) => Promise<T>): Promise<T> {
    try {
      return await request(this.client);
    } catch (error) {
      throw this.explain(doing, error);
    }
  }

  /** The error in the words of a person, if it came from the cluster. */
  explain(doing: string, error: unknown): unknown {
    return explain(error, this.place, this.server, doing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
