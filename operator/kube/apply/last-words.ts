import type { R1Stage } from '../../api/resources/stage.ts';
import type { KubeClient } from '../client/client.ts';
import { createNamed } from '../client/create-owned.ts';
import { configMaps, pathOf, pods, type Pod, type Stored } from '../client/resources.ts';
import type { Logger } from '../logger.ts';
import { lastWordsConfigMap } from '../objects/last-words-config-map.ts';
import { ownContainerStatus } from '../objects/own-container.ts';

export interface LastWordsOptions {
  readonly client: Pick<KubeClient, 'stream' | 'create'>;
  /** The stage of a pod, as long as it is there and stays. */
  readonly stageOf: (pod: Stored<Pod>) => Stored<R1Stage> | undefined;
  readonly logger: Logger;
}

/** What is kept of a log: enough to see what a trainer did last. */
const limits = { lines: 500, bytes: 64 * 1024 };
/** So many logs are followed at a time; of pods beyond that nothing is kept. */
const most = 100;
/** Why a log is no longer followed: another operator leads. */
const notOurs = 'another operator leads';

/**
 * Keeps the end of the log of each pod that is being deleted: the log goes with the pod, and nobody else has it. It is
 * followed to its end, so that what a trainer says of the signal is there, too, and put into a ConfigMap that goes with
 * the stage. Nothing waits for it, and nothing fails where it cannot be had.
 */
export class LastWords {
  private readonly options: LastWordsOptions;
  /** By the uid of a pod; ended when its object is gone, since a log can be kept open beyond that. */
  private readonly followed = new Map<string, AbortController>();
  private leads = false;

  constructor(options: LastWordsOptions) {
    this.options = options;
  }

  /** Begins, with the pods that another leader may not have come to. */
  start(known: Iterable<Stored<Pod>>): void {
    this.leads = true;
    for (const pod of known) this.see(pod);
  }

  /** Leaves to the next leader what has not ended. */
  stop(): void {
    this.leads = false;
    for (const following of this.followed.values()) following.abort(notOurs);
    this.followed.clear();
  }

  /** A pod was seen. */
  see(pod: Stored<Pod>): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (!this.leads || deletionTimestamp === undefined) return;
    if (this.followed.has(uid) || this.followed.size >= most) return;
    const container = startedContainer(pod);
    const stage = this.options.stageOf(pod);
    if (container === undefined || stage === undefined) return;
    const gone = new AbortController();
    this.followed.set(uid, gone);
    void this.keep(stage, pod, container, gone.signal);
  }

  /** Its object is gone. */
  forget(podUid: string): void {
    this.followed.get(podUid)?.abort();
    this.followed.delete(podUid);
  }

  private async keep(stage: Stored<R1Stage>, pod: Stored<Pod>, container: string, gone: AbortSignal): Promise<void> {
    const { client, logger } = this.options;
    try {
      const log = await this.read(pod, container, gone);
      if (log !== '' && gone.reason !== notOurs)
        await createNamed(client, configMaps, lastWordsConfigMap(stage, pod, log));
    } catch (error) {
      logger.warn('the log of a pod was not kept', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, error });
    }
  }

  private async read({ metadata }: Stored<Pod>, container: string, gone: AbortSignal): Promise<string> {
    const path = pathOf(pods, metadata.namespace, metadata.name, 'log');
    let end = Buffer.alloc(0);
    try {
      const stream = await this.options.client.stream(path, { container, follow: true, tailLines: limits.lines }, gone);
      for await (const chunk of stream) end = Buffer.concat([end, chunk as Buffer]).subarray(-limits.bytes);
    } catch (error) {
      if (end.length === 0 && !gone.aborted) throw error; // the connection, or the node, was lost: what came is kept
    }
    return wholeLines(end);
  }
}

function startedContainer(pod: Stored<Pod>): string | undefined {
  const { name, state } = ownContainerStatus(pod) ?? {};
  return state?.running === undefined && state?.terminated === undefined ? undefined : name;
}

/** Without what is left of a line whose beginning was cut off. */
function wholeLines(end: Buffer): string {
  const text = end.toString('utf8');
  return end.length < limits.bytes ? text : text.slice(text.indexOf('\n') + 1);
}
