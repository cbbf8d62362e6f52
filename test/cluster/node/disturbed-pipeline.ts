import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { AttemptRecord, R1Stage } from '../../../operator/api/resources/stage.ts';
import { readPipelineState } from '../../../operator/local/pipeline-state.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import type { Pod, Stored } from '../../../operator/kube/client/resources.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import { r1 } from '../../support/cli.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { Pipelines } from '../support/pipelines.ts';
import { podProcess } from './pod-process.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/pipelines');

const checkpointName = /^step-(\d{6,})$/;

export interface Change {
  /** Instead of the name in the manifest; nothing that is computed depends on it. */
  readonly name?: string;
  readonly spec?: object;
  /** Added to stages, by name. */
  readonly stages?: Readonly<Record<string, object>>;
  /** Directory of its volume, where that is not one that the node makes. */
  readonly volume?: string;
}

/** A pipeline of the fixtures on a real node, and what can be seen of it and done to it. */
export class DisturbedPipeline extends Pipelines implements AsyncDisposable {
  readonly name: string;
  private readonly manifest: string;
  private readonly node: ControlPlane;
  private volume: string | undefined;

  private constructor(node: ControlPlane, namespace: string, manifest: string, name: string) {
    super(node, namespace);
    this.node = node;
    this.manifest = manifest;
    this.name = name;
  }

  /** Applies a manifest of the fixtures in a namespace of its own, whose pods have to be restricted. */
  static async start(node: ControlPlane, manifest: string, change: Change = {}): Promise<DisturbedPipeline> {
    const pipeline = await DisturbedPipeline.prepare(node, manifest, change.name);
    pipeline.volume = change.volume;
    await pipeline.change(change);
    return pipeline;
  }

  /** The namespace alone, for whoever needs something in it before. */
  static async prepare(node: ControlPlane, manifest: string, name?: string): Promise<DisturbedPipeline> {
    const namespace = await node.namespace();
    await node.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    return new DisturbedPipeline(node, namespace, manifest, name ?? read(manifest).metadata.name);
  }

  /** Applies the manifest again, changed in another way. */
  async change({ spec = {}, stages: more = {} }: Change): Promise<void> {
    const original = read(this.manifest);
    const changed = original.spec.stages.map((stage) => ({ ...stage, ...more[stage.name] }));
    await this.node.apply([
      {
        ...original,
        metadata: { name: this.name, namespace: this.namespace },
        spec: { ...original.spec, ...spec, stages: changed },
      },
    ]);
  }

  /** The pod of the attempt that runs, once a stage has saved so many steps of training, or chunks of samples. */
  async saved(stage: string, steps: number): Promise<Stored<Pod>> {
    return eventually(
      `stage ${stage} has saved ${steps} steps`,
      async () => {
        const pod = await this.trainerOf(stage);
        const attempt = pod && this.directoriesOf(stage).at(-1);
        return attempt !== undefined && savedSteps(attempt) >= steps ? pod : undefined;
      },
      180_000,
    );
  }

  /** The pod whose trainer runs now, and is known to: on a busy machine a kubelet tells of it late. */
  async trainerOf(stage: string): Promise<Stored<Pod> | undefined> {
    return (await this.trainersOf(stage))[0];
  }

  /** The same where a lost node has one, too. */
  async trainersOf(stage: string): Promise<Stored<Pod>[]> {
    return (await this.podsOf(this.name)).filter(
      (pod) =>
        isTrainer(pod) &&
        pod.metadata.labels?.['r1.dev/stage'] === stage &&
        pod.status?.phase === 'Running' &&
        podProcess(pod.metadata.uid, 'r1-trainer run') !== undefined,
    );
  }

  /** Number of the trainer's process on this machine. */
  pidOf(pod: Stored<Pod>): number {
    const pid = podProcess(pod.metadata.uid, 'r1-trainer run');
    if (pid === undefined) throw new Error(`${pod.metadata.name} runs no trainer`);
    return pid;
  }

  /** Directories of the attempts of a stage on the volume, oldest first. */
  directoriesOf(stage: string): string[] {
    const directory = join(this.volume ?? this.madeVolume(), this.namespace, this.name, stage);
    if (!existsSync(directory)) return [];
    return readdirSync(directory)
      .flatMap((run) => readdirSync(join(directory, run)).map((attempt) => join(directory, run, attempt)))
      .toSorted((a, b) => numberOf(a) - numberOf(b));
  }

  /** Directory that the provisioner has made for the claim of the pipeline. */
  private madeVolume(): string {
    const volumes = join(this.node.directory, 'volumes');
    const name = readdirSync(volumes).find((each) => each.endsWith(`_${this.namespace}_${this.name}-volume`));
    return join(volumes, name ?? 'none');
  }

  async attemptsOf(stage: string): Promise<readonly AttemptRecord[]> {
    const found = await this.client.get(stages, { namespace: this.namespace, name: `${this.name}-${stage}` });
    return found.status?.attempts ?? [];
  }

  /** Seconds from the end of each attempt to the start of the next one's trainer; the API knows no fractions. */
  async gapsOf(stage: string): Promise<number[]> {
    const attempts = await this.attemptsOf(stage);
    return attempts.slice(1).map(({ startedAt }, at) => {
      const { endedAt = startedAt } = attempts[at] ?? {};
      return (Date.parse(startedAt) - Date.parse(endedAt)) / 1000;
    });
  }

  /** Every attempt of every stage, such as `base 1 Succeeded`. */
  async allAttempts(): Promise<string[]> {
    const { items } = await this.client.list(stages, this.namespace);
    return items.flatMap(({ spec, status }) =>
      (status?.attempts ?? []).map(({ number, outcome }) => `${spec.stage} ${number} ${outcome}`),
    );
  }

  /** What the tables of stages and pipelines show. */
  async displays(): Promise<readonly { readonly state: string; readonly message: string }[]> {
    const { items } = await this.client.list(stages, this.namespace);
    const pipeline = await this.client.get(pipelines, { namespace: this.namespace, name: this.name });
    return [...items, pipeline].flatMap(({ status }) => (status?.display === undefined ? [] : [status.display]));
  }

  /** Waits for the end and returns the digests of what the stages made, by name. */
  async succeeded(timeoutMs = 300_000): Promise<Digests> {
    await this.pipeline(this.name, 'Succeeded', timeoutMs);
    return digests((await this.client.list(stages, this.namespace)).items);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kubectl('delete', 'r1pipeline', '--all', '--wait=false');
    await this.close();
  }
}

export type Digests = Readonly<Record<string, string | undefined>>;

const undisturbedRuns = new Map<string, Promise<Digests>>();

/** What `r1 run` makes on this machine of a manifest: one of the fixtures, or one with an absolute path. */
export function undisturbed(manifest: string): Promise<Digests> {
  const run = undisturbedRuns.get(manifest) ?? runHere(manifest);
  undisturbedRuns.set(manifest, run);
  return run;
}

async function runHere(manifest: string): Promise<Digests> {
  const state = await mkdtemp(join(tmpdir(), 'r1-undisturbed-'));
  try {
    const { code, stderr } = await r1(['run', resolve(fixtures, manifest), '--state', state]);
    if (code !== 0) throw new Error(`r1 run ${manifest} ended with ${code}: ${stderr}`);
    return digests((await readPipelineState(state, read(manifest).metadata.name))?.stages ?? []);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

function digests(found: readonly R1Stage[]): Digests {
  return Object.fromEntries(found.map(({ spec, status }) => [spec.stage, status?.checkpoint?.digest]));
}

function read(manifest: string): R1Pipeline {
  return parse(readFileSync(resolve(fixtures, manifest), 'utf8')) as R1Pipeline;
}

function numberOf(attemptDirectory: string): number {
  return Number(/attempt-(\d+)/.exec(attemptDirectory)?.[1] ?? 0);
}

/** Steps of the newest checkpoint, or the number of chunks. */
function savedSteps(attemptDirectory: string): number {
  const steps = readdirSync(attemptDirectory).map((name) => {
    if (name.startsWith('chunks-')) return readdirSync(join(attemptDirectory, name)).length;
    return Number(checkpointName.exec(name)?.[1] ?? 0);
  });
  return Math.max(0, ...steps);
}
