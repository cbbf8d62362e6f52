import { setTimeout as sleep } from 'node:timers/promises';
import { succeededStatus } from '../../operator/api/resources/conditions.ts';
import { labels } from '../../operator/api/resources/metadata.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { ApiError, ConnectionError } from '../../operator/kube/client/api-error.ts';
import {
  type ConfigMap,
  configMaps,
  type KubeObject,
  type Pod,
  pathOf,
  pods as podKind,
  type ResourceKind,
  type Stored,
} from '../../operator/kube/client/resources.ts';
import { lastWordsKey } from '../../operator/kube/objects/last-words-config-map.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { requireStage } from '../state.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './cluster-error.ts';
import { readPipeline, readStages } from './cluster-source.ts';
import { linesOf, LogPosition } from './log-lines.ts';
import { Patience } from './patience.ts';
import {
  attemptNumber,
  chooseNewest,
  containerOf,
  isOver,
  type PodChoice,
  readableLog,
  whyWaiting,
} from './stage-pods.ts';

export interface StageLogsOptions extends PodChoice {
  readonly follow: boolean;
  /** Says what is no part of a log. */
  readonly note: (text: string) => void;
}

const pollMs = 1000;
/** How often it is seen whether the pod that is read has a successor. */
const lookMs = 5000;

/**
 * Lines that a stage's pod has printed; when following, those of the attempts after it as well, over lost connections,
 * until the stage has ended.
 *
 * @throws UserError when there is no such pipeline, stage or pod
 */
export async function* stageLogs(
  cluster: Cluster,
  pipeline: string,
  stage: string,
  options: StageLogsOptions,
): AsyncGenerator<string> {
  requireStage(await readPipeline(cluster, pipeline), stage);
  const { follow, attempt } = options;
  const noteNews = onlyNews(options.note);
  const newestReadable = async () => (await listPods(cluster, pipeline, stage, options)).find(readableLog);
  const patience = new Patience();
  const positions = new Map<string, LogPosition>();
  for (;;) {
    try {
      // Looked up before the pods, so that when it has ended they are the last ones.
      const ended = !follow || (await hasEnded(cluster, pipeline, stage));
      const pods = await listPods(cluster, pipeline, stage, options);
      patience.answered();
      const pod = pods.find(readableLog);
      const waiting = pods[0] === pod ? undefined : pods[0];
      if (waiting !== undefined) noteNews(`${inWords(waiting)} has not begun: ${whyWaiting(waiting)}`);
      // When following, what was read of a pod before it was deleted has been shown.
      const asksForKept = positions.size === 0 && (!follow || (pod === undefined && (ended || attempt !== undefined)));
      const kept = asksForKept ? await newestKept(cluster, pipeline, stage, options, pod) : undefined;
      if (kept !== undefined) {
        options.note(`attempt ${attemptNumber(kept)}, the end of the log of a pod that is gone`);
        yield* (kept.data?.[lastWordsKey] ?? '').trimEnd().split('\n');
        return;
      }
      if (pod !== undefined) {
        const { uid } = pod.metadata;
        const isNew = !positions.has(uid);
        if (isNew && (follow || waiting !== undefined)) options.note(`${inWords(pod)}, node ${pod.spec?.nodeName}`);
        // An older pod is the newest again when its successor was deleted; what it printed was read.
        const position = positions.get(uid) ?? new LogPosition();
        positions.set(uid, position);
        yield* readLog(cluster, pod, position, follow ? newestReadable : undefined);
      }
      if (ended && positions.size === 0) {
        const stages = await readStages(cluster, pipeline);
        throw new UserError(`${cluster.place}: ${whyNothing(pipeline, stage, stages, options)}`);
      }
      if (ended || (attempt !== undefined && pod !== undefined && isOver(pod))) return;
    } catch (error) {
      if (!follow) throw error;
      if (patience.bear(error)) options.note(`${(error as Error).message}; goes on trying`);
    }
    await sleep(pollMs);
  }
}

async function listPods(cluster: Cluster, pipeline: string, stage: string, choice: PodChoice): Promise<Stored<Pod>[]> {
  return chooseNewest(await listOf(cluster, podKind, pipeline, stage), choice);
}

/** What the operator kept of the log of a later attempt than the pod that can be read, or where there is none. */
async function newestKept(
  cluster: Cluster,
  pipeline: string,
  stage: string,
  choice: PodChoice,
  pod: Stored<Pod> | undefined,
): Promise<Stored<ConfigMap> | undefined> {
  const listed = await listOf(cluster, configMaps, pipeline, stage).catch((error: unknown) => {
    if (isForbidden(error)) return []; // whoever may not list ConfigMaps reads pods
    throw error;
  });
  const [newest] = chooseNewest(listed, choice);
  if (newest === undefined || pod === undefined) return newest;
  return attemptNumber(newest) > attemptNumber(pod) ? newest : undefined;
}

async function listOf<T extends KubeObject>(
  cluster: Cluster,
  kind: ResourceKind<T>,
  pipeline: string,
  stage: string,
): Promise<Stored<T>[]> {
  const labelSelector = `${labels.pipeline}=${pipeline},${labels.stage}=${stage}`;
  const { items } = await cluster.ask(`list ${kind.plural}`, (client) =>
    client.list(kind, cluster.namespace, { labelSelector }),
  );
  return items;
}

/**
 * What a pod has printed since the position.
 *
 * @param newest to go on while the pod is the one that this gives; a pod on a lost node would never end its log
 */
async function* readLog(
  cluster: Cluster,
  pod: Stored<Pod>,
  position: LogPosition,
  newest: (() => Promise<Stored<Pod> | undefined>) | undefined,
): AsyncGenerator<string> {
  const { namespace, name, uid } = pod.metadata;
  const doing = `read the log of pod ${name}`;
  const cut = new AbortController();
  const look = async (): Promise<void> => {
    if ((await newest?.())?.metadata.uid !== uid) cut.abort();
  };
  // An outage shows in the log's own connection.
  const timer = newest && setInterval(() => void look().catch(() => undefined), lookMs);
  try {
    const query = {
      container: containerOf(pod)?.name,
      previous: readableLog(pod) === 'previous',
      follow: newest !== undefined,
      timestamps: true,
      sinceTime: position.reconnect(),
    };
    const path = pathOf(podKind, namespace, name, 'log');
    const chunks = await cluster.ask(doing, (client) => client.stream(path, query, cut.signal));
    for await (const line of linesOf(chunks)) {
      const text = position.take(line);
      if (text !== undefined) yield text;
    }
  } catch (error) {
    if (cut.signal.aborted || (newest !== undefined && isGone(error))) return;
    if (error instanceof ClusterError) throw error;
    throw cluster.explain(doing, new ConnectionError('the connection was lost', error));
  } finally {
    clearInterval(timer);
    cut.abort();
  }
}

function isForbidden(error: unknown): boolean {
  const { cause } = error as Error;
  return cause instanceof ApiError && cause.status === 403;
}

/** The pod was deleted, or its container is between two starts. */
function isGone(error: unknown): boolean {
  const { cause } = error as Error;
  return cause instanceof ApiError && (cause.status === 400 || cause.status === 404);
}

async function hasEnded(cluster: Cluster, pipeline: string, stage: string): Promise<boolean> {
  const [{ status }, stages] = await Promise.all([readPipeline(cluster, pipeline), readStages(cluster, pipeline)]);
  const found = stages.find(({ spec }) => spec.stage === stage);
  return [status, found?.status].some((each) => succeededStatus(each?.conditions) !== 'Unknown');
}

function whyNothing(pipeline: string, stage: string, stages: readonly R1Stage[], choice: PodChoice): string {
  const { attempt, rollout } = choice;
  const found = stages.find(({ spec }) => spec.stage === stage);
  const whose = [
    ...(rollout === undefined ? [] : [`rollout worker ${rollout} of `]),
    ...(attempt === undefined ? [] : [`attempt ${attempt} of `]),
    `stage ${stage} of ${pipeline}`,
  ].join('');
  if (found === undefined) return `${whose} has no log yet; it has not started`;
  const { state = 'Pending', message = '' } = found.status?.display ?? {};
  return `${whose} has no pod whose log can be read; the stage is ${state}${message === '' ? '' : `: ${message}`}`;
}

function inWords(pod: Stored<Pod>): string {
  return `attempt ${attemptNumber(pod)}, pod ${pod.metadata.name}`;
}

/** Says nothing twice in a row. */
function onlyNews(note: (text: string) => void): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (text !== last) note(text);
    last = text;
  };
}
