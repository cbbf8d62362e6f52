import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineVersions } from '../checkpoint/engine-versions.ts';
import {
  newestCheckpoint,
  type PublishedCheckpoint,
  publishCheckpoint,
  verifyCheckpoint,
} from '../checkpoint/store.ts';
import { type CheckpointManifest, stepDirectory } from '../contract/checkpoint.ts';
import { UserError } from '../contract/errors.ts';
import type { StageFile } from '../contract/stage-file.ts';
import type { Metrics } from './metrics.ts';

const dataDirectory = 'data';
const dataMetricsName = 'metrics.json';

/** What a stage has published in its directory: checkpoints of a model by step, or rows as `data/`. */
export class StageOutput {
  private readonly file: StageFile;
  private readonly settingsDigest: string;

  constructor(file: StageFile, settingsDigest: string) {
    this.file = file;
    this.settingsDigest = settingsDigest;
  }

  /** The newest checkpoint that verifies; says on stderr which newer ones do not. */
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

  /** Publishes what `write` puts into a directory as the checkpoint of `step`. */
  checkpoint(
    step: number,
    { final }: { readonly final: boolean },
    write: (directory: string) => Promise<void>,
  ): Promise<PublishedCheckpoint> {
    return this.publish({ name: stepDirectory(step), step, final, write });
  }

  /** Publishes rows as `data/`, with the figures that a later attempt reports if this one dies right after. */
  data(write: (directory: string) => Promise<void>, metrics: Metrics): Promise<PublishedCheckpoint> {
    const writeAll = async (directory: string): Promise<void> => {
      await write(directory);
      await writeFile(join(directory, dataMetricsName), `${JSON.stringify(metrics, undefined, 2)}\n`);
    };
    return this.publish({ name: dataDirectory, step: 0, final: true, write: writeAll });
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

  private publish(what: {
    readonly name: string;
    readonly step: number;
    readonly final: boolean;
    readonly write: (directory: string) => Promise<void>;
  }): Promise<PublishedCheckpoint> {
    const parent = this.parent();
    const { settingsDigest } = this;
    const content = { ...what, ...(parent && { parent }), settingsDigest, engine: engineVersions() };
    return publishCheckpoint(this.file.out, content, this.file.keepLast);
  }

  /** The stage whose model or rows this one goes on from. */
  private parent(): { stage: string; digest: string } | undefined {
    const { model, inputs, settings } = this.file;
    const input = model?.input ?? (settings.review && inputs[settings.review.data]);
    return input && { stage: input.stage, digest: input.digest };
  }
}
