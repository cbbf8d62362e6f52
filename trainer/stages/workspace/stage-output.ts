import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  newestCheckpoint,
  type PublishedCheckpoint,
  publishCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '../../checkpoint/store.ts';
import { tellsApart } from '../../contract/settings/digest-version.ts';
import { goodDirectory, resumeDirectory, stepDirectory } from '../../contract/files/checkpoint.ts';
import type { Writer } from '../../contract/files/directory-lock.ts';
import { lengthOf } from '../../contract/settings/continuation.ts';
import { UserError } from '../../contract/process/errors.ts';
import { provenanceName } from '../../contract/files/provenance.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import { engineVersions, softwareVersions } from '../../engine/engine-versions.ts';
import type { Metrics } from './metrics.ts';
import type { DecidingSettings } from './settings-digest.ts';
import type { Warnings } from './warnings.ts';

/** A checkpoint of the stage itself. */
export interface OwnCheckpoint extends VerifiedCheckpoint {
  /** Directory with what going on needs; absent when all the work is done. */
  readonly resumeFrom?: string;
}

const dataDirectory = 'data';
const dataMetricsName = 'metrics.json';

/** What a stage has published in its directory: checkpoints of a model by step, or rows as `data/`. */
export class StageOutput {
  private readonly file: StageFile;
  private readonly settings: DecidingSettings;
  private readonly writer: Writer;

  constructor(file: StageFile, settings: DecidingSettings, writer: Writer) {
    this.file = file;
    this.settings = settings;
    this.writer = writer;
  }

  /**
   * The newest checkpoint that verifies and that the stage has finished with or can go on from; says on stderr which newer
   * ones are none, and warns that their steps are done again.
   *
   * @param unit the stage can go on where a multiple of so many steps is done
   */
  async newestCheckpoint(
    { unit = 1 }: { readonly unit?: number },
    warnings: Warnings,
  ): Promise<OwnCheckpoint | undefined> {
    const whyNot = (checkpoint: VerifiedCheckpoint) => this.whyNot(checkpoint, unit);
    const { newest, skipped } = await newestCheckpoint(this.file.out, this.settings.digest, whyNot);
    for (const { path, reason } of skipped) console.error(`${path}: not used: ${reason}`);
    if (skipped[0]) {
      const from = newest ? `on from step ${newest.step}` : 'from the first on';
      const { path, reason } = skipped[0];
      warnings.warn('DoneAgain', `steps are done again, ${from}: ${basename(path)} is not used: ${reason}`);
    }
    if (!newest) return undefined;
    const made = newest.manifest.engine;
    const now = this.engine();
    const changed = Object.keys({ ...made, ...now }).filter((key) => made[key] !== now[key]);
    for (const key of changed) {
      console.error(
        `${newest.path}: made with ${key} ${made[key]}, now ${now[key]}: the bits may differ from one uninterrupted run`,
      );
    }
    const { final, length } = newest.manifest;
    if (final && length === lengthOf(this.file.settings)?.value) return newest;
    return { ...newest, resumeFrom: final ? join(this.file.out, resumeDirectory(newest.step)) : newest.path };
  }

  /** Why neither is the work done with a checkpoint, nor can it go on from there. */
  private async whyNot({ step, manifest }: VerifiedCheckpoint, unit: number): Promise<string | undefined> {
    const asked = lengthOf(this.file.settings);
    if (asked === undefined) return undefined;
    const has = manifest.final ? manifest.length : asked.field === 'steps' ? step : undefined;
    if (has !== undefined && has > asked.value) return `it has ${has} ${asked.field}, and ${asked.value} are asked for`;
    if (!manifest.final || has === asked.value) return undefined;
    if (step % unit !== 0) return `${step} steps end within a rollout, whose completions are not kept`;
    return this.whyNoResume(step);
  }

  private async whyNoResume(step: number): Promise<string | undefined> {
    const directory = join(this.file.out, resumeDirectory(step));
    if (!existsSync(directory)) return 'its optimizer, which more steps go on from, was not kept (keepOptimizer: true)';
    try {
      const { manifest } = await verifyCheckpoint(directory);
      return tellsApart(manifest.settingsDigest, this.settings.digest)
        ? 'what goes on from it has other settings'
        : undefined;
    } catch (error) {
      if (error instanceof UserError) return `what goes on from it does not verify (${error.message})`;
      throw error;
    }
  }

  /** Publishes what a longer run needs to go on from the final checkpoint of `step`, which has no part of it. */
  resume(step: number, write: (directory: string) => Promise<void>): Promise<PublishedCheckpoint> {
    return this.publish({ name: resumeDirectory(step), step, final: false, write });
  }

  /** Publishes what `write` puts into a directory as the checkpoint of `step`. */
  checkpoint(
    step: number,
    { final }: { readonly final: boolean },
    write: (directory: string) => Promise<void>,
  ): Promise<PublishedCheckpoint> {
    const length = final ? lengthOf(this.file.settings)?.value : undefined;
    return this.publish({ name: stepDirectory(step), step, final, length, write });
  }

  /** Publishes the model of `step` as a rollback would hand it on: as if the stage had been asked for no more steps. */
  good(step: number, write: (directory: string) => Promise<void>): Promise<PublishedCheckpoint> {
    const length = step === 0 ? undefined : step;
    return this.publish({ name: goodDirectory(step), step, final: true, length, write });
  }

  /**
   * The checkpoint that a rollback leads to.
   *
   * @throws UserError if it is not there as it was written
   */
  async goodOf(step: number): Promise<PublishedCheckpoint> {
    const path = join(this.file.out, goodDirectory(step));
    return { path, step, digest: (await verifyCheckpoint(path)).digest };
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
      if (tellsApart(manifest.settingsDigest, this.settings.digest)) return undefined;
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
    readonly length?: number | undefined;
    readonly write: (directory: string) => Promise<void>;
  }): Promise<PublishedCheckpoint> {
    const parent = this.parent();
    const { digest: settingsDigest, text } = this.settings;
    const write = async (directory: string): Promise<void> => {
      await what.write(directory);
      await writeFile(join(directory, provenanceName), text);
    };
    const content = { ...what, write, ...(parent && { parent }), settingsDigest, engine: this.engine() };
    return publishCheckpoint(this.file.out, content, this.file.keepLast, this.writer);
  }

  /** What the bits depend on besides the settings, and the precision, which whoever opens the checkpoint goes by. */
  private engine(): Record<string, string> {
    const { settings, precision = 'f32' } = this.file;
    // People decide what passes a review, and no model: the library would be loaded for its name alone.
    return settings.review ? softwareVersions() : { ...engineVersions(), precision };
  }

  /** The stage whose model or rows this one goes on from. */
  private parent(): { stage: string; digest: string } | undefined {
    const { model, inputs, settings } = this.file;
    const input = model?.input ?? (settings.review && inputs[settings.review.data]);
    return input && { stage: input.stage, digest: input.digest };
  }
}
