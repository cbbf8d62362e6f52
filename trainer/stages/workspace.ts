import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { pipeline } from 'node:stream/promises';
import { describeModel } from '../checkpoint/model-files.ts';
import { engineVersions } from '../checkpoint/engine-versions.ts';
import {
  newestCheckpoint,
  type PublishedCheckpoint,
  publishCheckpoint,
  verifyCheckpoint,
} from '../checkpoint/store.ts';
import { type CheckpointManifest, metricsName, samplesName, stepDirectory } from '../contract/checkpoint.ts';
import { InterruptedError, UserError } from '../contract/errors.ts';
import type { StageResult } from '../contract/progress.ts';
import type { DatasetSettings, Row } from '../contract/dataset.ts';
import type { PinnedInput, StageFile } from '../contract/stage-file.ts';
import type { RolloutServer } from '../rollout/remote/server.ts';
import { type Dataset, loadDataset } from '../data/load-dataset.ts';
import { readRows } from '../data/rows.ts';
import type { Metrics } from './metrics.ts';
import { ProgressReporter } from './progress.ts';

const dataDirectory = 'data';
const dataMetricsName = 'metrics.json';

/** A sample completion for the report. */
export interface Sample {
  readonly dataset: string;
  readonly prompt: string;
  readonly completion: string;
  readonly reward?: number;
  readonly scores?: Readonly<Record<string, number | undefined>>;
  readonly gold?: string;
}

/** What a recipe has around it: its verified inputs, its directory, resume, progress, and the wish to stop. */
export class Workspace {
  readonly file: StageFile;
  readonly settingsDigest: string;
  readonly progress: ProgressReporter;
  /** Lets rollout workers help; absent where the stage has none. */
  rolloutServer: RolloutServer | undefined;
  private readonly stop: AbortSignal;

  private constructor(file: StageFile, settingsDigest: string, stop: AbortSignal) {
    this.file = file;
    this.settingsDigest = settingsDigest;
    this.progress = new ProgressReporter();
    this.stop = stop;
  }

  static async open(file: StageFile, stop: AbortSignal): Promise<Workspace> {
    return new Workspace(file, await digestOf(file), stop);
  }

  /** Someone asked the stage to stop; recipes look at safe points and save first. */
  get interrupted(): boolean {
    return this.stop.aborted;
  }

  /** Tells people of something that does not end the stage; see `Warnings`. */
  warn(reason: string, message: string): void {
    this.progress.warnings.warn(reason, message);
  }

  /** Ends the stage at a safe point. `saved` says up to where its work is kept. */
  interrupt(saved: string): never {
    throw new InterruptedError(`asked to stop; saved ${saved}`);
  }

  /** Rows of the named datasets and earlier stages, in the order of the names. */
  async loadRows(names: readonly string[], part: 'train' | 'heldOut' | 'evaluation'): Promise<Row[]> {
    const parts = await Promise.all(names.map((name) => this.rowsOf(name, part)));
    return parts.flat();
  }

  private async rowsOf(name: string, part: 'train' | 'heldOut' | 'evaluation'): Promise<Row[]> {
    const input = this.file.inputs[name];
    if (input) {
      await this.verifyInput(input);
      return [...(await readRows(join(input.path, 'rows.jsonl')))];
    }
    const { train, heldOut } = await this.loadDataset(name);
    if (part === 'evaluation') return [...(heldOut.length > 0 ? heldOut : train)];
    return [...(part === 'train' ? train : heldOut)];
  }

  loadDataset(name: string): Promise<Dataset> {
    const settings = this.file.datasets.find((dataset) => dataset.name === name);
    if (!settings) throw new UserError(`stage ${this.file.stage}: no dataset or input is named "${name}"`);
    return loadDataset(settings, this.file.seed);
  }

  /** The pinned output of an earlier stage; refuses one that is not exactly what the operator pinned. */
  async verifyInput(input: PinnedInput): Promise<string> {
    await verifyCheckpoint(input.path, input.digest);
    return input.path;
  }

  /** The stage's own newest checkpoint that verifies; says on stderr which newer ones do not. */
  async newestCheckpoint(): Promise<(PublishedCheckpoint & { readonly manifest: CheckpointManifest }) | undefined> {
    const { newest, skipped } = await newestCheckpoint(this.file.out, this.settingsDigest);
    for (const { path, reason } of skipped) console.error(`${path}: not used: ${reason}`);
    const made = newest?.manifest.engine;
    const now = engineVersions();
    const changed = Object.keys({ ...made, ...now }).filter((key) => made && made[key] !== now[key]);
    for (const key of changed) {
      console.error(
        `${newest?.path}: made with ${key} ${made?.[key]}, now ${now[key]}: the bits may differ from one uninterrupted run`,
      );
    }
    return newest;
  }

  async publish(
    step: number,
    final: boolean,
    write: (directory: string) => Promise<void>,
    name: string = stepDirectory(step),
  ): Promise<PublishedCheckpoint> {
    const parent = this.parent();
    return publishCheckpoint(
      this.file.out,
      {
        name,
        step,
        final,
        write,
        ...(parent && { parent }),
        settingsDigest: this.settingsDigest,
        engine: engineVersions(),
      },
      this.file.keepLast,
    );
  }

  /** Publishes rows as `data/`, with the figures that a later attempt reports if this one dies right after. */
  publishData(write: (directory: string) => Promise<void>, metrics: Metrics): Promise<PublishedCheckpoint> {
    const writeAll = async (directory: string): Promise<void> => {
      await write(directory);
      await writeFile(join(directory, dataMetricsName), `${JSON.stringify(metrics, undefined, 2)}\n`);
    };
    return this.publish(0, true, writeAll, dataDirectory);
  }

  /** The rows that an earlier attempt has published with these settings. */
  async finishedData(): Promise<(PublishedCheckpoint & { readonly metrics: Metrics }) | undefined> {
    const path = join(this.file.out, dataDirectory);
    try {
      const { manifest, digest } = await verifyCheckpoint(path);
      if (manifest.settingsDigest !== this.settingsDigest) return undefined;
      const metrics = JSON.parse(await readFile(join(path, dataMetricsName), 'utf8')) as Metrics;
      return { path, step: manifest.step, digest, metrics };
    } catch (error) {
      if (error instanceof UserError) return undefined; // none yet, or not whole: it is made again
      throw error;
    }
  }

  /** The stage whose model or rows this one goes on from. */
  private parent(): { stage: string; digest: string } | undefined {
    const { model, inputs, settings } = this.file;
    const input = model?.input ?? (settings.review && inputs[settings.review.data]);
    return input && { stage: input.stage, digest: input.digest };
  }

  /** Adds a line to `metrics.jsonl`. */
  async log(step: number, metrics: Metrics): Promise<void> {
    const line = JSON.stringify({ step, time: new Date().toISOString(), ...metrics });
    await appendFile(join(this.file.out, metricsName), `${line}\n`);
  }

  async saveSamples(step: number, samples: readonly Sample[]): Promise<void> {
    const lines = samples.map((sample) => `${JSON.stringify({ step, ...sample })}\n`);
    await appendFile(join(this.file.out, samplesName), lines.join(''));
  }

  /** Forgets log lines after `step`: they belong to work that is about to be done again. */
  async rewindLogs(step: number): Promise<void> {
    for (const name of [metricsName, samplesName]) {
      const path = join(this.file.out, name);
      const text = await readFile(path, 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => isAtMost(line, step));
      const kept = lines.map((line) => `${line}\n`).join('');
      if (kept !== text) await replaceFile(path, kept);
    }
  }

  finish(checkpoint: StageResult['checkpoint'], message: string, metrics: Metrics): StageResult {
    const { path, step, digest } = checkpoint ?? {};
    const reference = path !== undefined && step !== undefined && digest !== undefined && { path, step, digest };
    const warnings = this.progress.warnings.all;
    return {
      outcome: 'succeeded',
      reason: 'succeeded',
      message,
      ...(reference && { checkpoint: reference }),
      metrics,
      ...(warnings.length > 0 && { warnings }),
    };
  }
}

/** A line cut by a crash does not parse and is dropped. */
function isAtMost(line: string, step: number): boolean {
  try {
    return (JSON.parse(line) as { step: number }).step <= step;
  } catch {
    return false;
  }
}

/**
 * Digest of everything that decides the result: files by their content; not the attempt, the directories or the number of
 * workers. So the same manifest has the same settings digest on another machine.
 */
async function digestOf(file: StageFile): Promise<string> {
  const { settings, seed, stage, evaluation, inputs } = file;
  const pins = Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest]));
  const datasets = await Promise.all(file.datasets.map(datasetByContent));
  const content = { stage, seed, settings, datasets, evaluation, start: await startByContent(file.model), pins };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

async function datasetByContent(dataset: DatasetSettings): Promise<unknown> {
  const { jsonl, heldOut, ...rest } = dataset;
  return {
    ...rest,
    ...(jsonl !== undefined && { jsonl: await fileDigest(jsonl) }),
    ...(heldOut && { heldOut: { ...heldOut, ...(heldOut.jsonl && { jsonl: await fileDigest(heldOut.jsonl) }) } }),
  };
}

async function startByContent(model: StageFile['model']): Promise<unknown> {
  if (model?.input) return model.input.digest;
  return model?.path === undefined ? model?.init : describeModel(model.path);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new UserError(`${path}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return hash.digest('hex');
}
