import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { labels } from '../../operator/api/resources/metadata.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { reviewSecretName } from '../../operator/core/names.ts';
import { pods, secrets, type Pod, type Stored } from '../../operator/kube/client/resources.ts';
import { reviewPort, reviewTokenKey } from '../../operator/kube/objects/layout.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { addressOf, type ReviewPage } from '../../trainer/contract/files/review.ts';
import { requireStage } from '../state.ts';
import type { Cluster } from './cluster.ts';
import { readPipeline, readStages } from './cluster-source.ts';
import { listenLocally } from './forward-port.ts';
import { chooseNewest, readableLog } from './stage-pods.ts';

export interface ClusterReviewOptions {
  readonly export?: string;
  readonly import?: string;
  readonly reviewer?: string;
}

const lookMs = 5000;

/**
 * Reaches the page of a review that waits on a cluster, by a port that is forwarded to its pod, until it waits no more.
 *
 * @param signal ends the forwarding
 * @throws UserError when the stage does not wait for people; ClusterError
 */
export async function reviewOnCluster(
  cluster: Cluster,
  [pipeline, stage]: readonly [string, string],
  options: ClusterReviewOptions,
  signal: AbortSignal,
): Promise<void> {
  const found = await waitingStage(cluster, pipeline, stage);
  const token = await tokenOf(cluster, found);
  const { port, close } = await listenLocally(
    portFor(found),
    async (socket) => {
      const pod = await podOf(cluster, pipeline, stage);
      await cluster.forwardPort(pod.metadata.name, reviewPort, socket);
    },
    (error) => console.error(`r1: ${error.message}`),
  );
  try {
    const page = { port, token };
    if (options.export !== undefined) return await exportTo(options.export, page, options.reviewer);
    if (options.import !== undefined) return await importFrom(options.import, page, options.reviewer);
    console.log(
      `${found.status?.display?.message}\n${addressOf(page)}\nCtrl-C ends the forwarding; all decisions are kept`,
    );
    while (!signal.aborted) {
      await sleep(lookMs, undefined, { signal }).catch(() => undefined);
      const now = await stageOf(cluster, pipeline, stage).catch(() => found); // an outage ends nothing
      if (now && !isWaiting(now) && now.status?.display?.state === 'Succeeded')
        return console.log(now.status.display.message);
    }
  } finally {
    close();
  }
}

async function stageOf(cluster: Cluster, pipeline: string, stage: string): Promise<Stored<R1Stage> | undefined> {
  return (await readStages(cluster, pipeline)).find(({ spec }) => spec.stage === stage);
}

async function waitingStage(cluster: Cluster, pipeline: string, stage: string): Promise<Stored<R1Stage>> {
  requireStage(await readPipeline(cluster, pipeline), stage);
  const found = await stageOf(cluster, pipeline, stage);
  if (found && isWaiting(found)) return found;
  const { state = 'Pending', message = '' } = found?.status?.display ?? {};
  const why = message === '' ? '' : `: ${message}`;
  throw new UserError(`${cluster.place}: stage ${stage} of ${pipeline} waits for nobody; it is ${state}${why}`);
}

function isWaiting({ status }: R1Stage): boolean {
  return status?.display?.state === 'Waiting for a person';
}

async function tokenOf(cluster: Cluster, { metadata }: Stored<R1Stage>): Promise<string> {
  const { namespace, name, uid } = metadata;
  const secret = reviewSecretName(name, uid);
  const { data } = await cluster.ask(`get secret ${secret}`, (client) =>
    client.get(secrets, { namespace, name: secret }),
  );
  return Buffer.from(data?.[reviewTokenKey] ?? '', 'base64').toString();
}

/** The pod that serves the page now: another attempt has another one. */
async function podOf(cluster: Cluster, pipeline: string, stage: string): Promise<Stored<Pod>> {
  const labelSelector = `${labels.pipeline}=${pipeline},${labels.stage}=${stage}`;
  const { items } = await cluster.ask('list pods', (client) => client.list(pods, cluster.namespace, { labelSelector }));
  const pod = chooseNewest(items, {}).find((each) => readableLog(each) === 'current');
  if (pod === undefined)
    throw new UserError(`stage ${stage} of ${pipeline} has no pod that runs; its next one is reached once it does`);
  return pod;
}

/** The same for a stage whenever it is asked for: a browser keeps what was not sent under the address of a page. */
function portFor({ metadata: { uid } }: Stored<R1Stage>): number {
  const [first, ports] = [20_000, 10_000];
  return first + (createHash('sha256').update(uid).digest().readUInt32LE(0) % ports);
}

async function exportTo(path: string, page: ReviewPage, reviewer: string | undefined): Promise<void> {
  const { body } = await ask(page, `/api/export?${query({ reviewer })}`);
  if (body) await pipe(Readable.fromWeb(body), path === '-' ? process.stdout : createWriteStream(path));
}

async function importFrom(path: string, page: ReviewPage, reviewer: string | undefined): Promise<void> {
  const name = path === '-' ? 'stdin' : path;
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch((cause: Error) => {
    throw new UserError(`${name}: ${cause.message}`, { cause });
  });
  const answer = await ask(page, `/api/import?${query({ name, reviewer })}`, { method: 'POST', body: text });
  const { said } = (await answer.json()) as { readonly said: string };
  console.log(said);
}

/** @throws UserError in the words of the review */
async function ask({ port, token }: ReviewPage, path: string, request: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...request, headers }).catch((cause: Error) => {
    throw new UserError(`the review does not answer: ${cause.message}`, { cause });
  });
  if (response.ok) return response;
  const { error } = (await response.json()) as { readonly error: string };
  throw new UserError(error);
}

function query(given: Record<string, string | undefined>): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) asked.set(name, value);
  return asked.toString();
}
