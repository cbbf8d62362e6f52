import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyCheckpoint } from '../../checkpoint/store.ts';
import type { PassCount } from '../../algorithms/pass-rates.ts';
import { heldOutRowsName, passRatesName, rowsName } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import { ownReward } from '../../contract/settings/rewards.ts';
import type { PinnedInput, StageFile } from '../../contract/settings/stage-file.ts';
import { type Dataset, loadDataset } from '../../data/load-dataset.ts';
import { joinRows, type RowList } from '../../data/lists/row-list.ts';
import { readRows } from '../../data/rows.ts';
import { readPassRates } from './pass-rate-file.ts';

/** `evaluation` is the held-out part, or all rows of a dataset that has none. */
export type DatasetPart = 'train' | 'heldOut' | 'evaluation';

/** What a stage reads: datasets of the manifest, and pinned rows and models of earlier stages. */
export class StageInputs {
  private readonly file: StageFile;
  private readonly onActivity: () => void;
  /** Training and evaluation may ask for the same one, which is read and checked once. */
  private readonly datasets = new Map<string, Promise<Dataset>>();

  /** @param onActivity called now and then while a file is read; may throw */
  constructor(file: StageFile, onActivity: () => void) {
    this.file = file;
    this.onActivity = onActivity;
  }

  /** Rows of the named datasets and earlier stages, in the order of the names. */
  async rows(names: readonly string[], part: DatasetPart): Promise<RowList> {
    return joinRows(await Promise.all(names.map((name) => this.rowsOf(name, part))));
  }

  /** The rows of a dataset that models are measured on, with all columns of its file. */
  async evaluationRows(name: string): Promise<RowList> {
    // Not kept: rows of the same dataset that are sampled have fewer columns.
    const { train, heldOut } = await this.open(name, true);
    return heldOut.length > 0 ? heldOut : train;
  }

  /** How often a sample stage answered its prompts right; nothing where none is named. */
  async passRates(stage: string | undefined): Promise<ReadonlyMap<string, PassCount> | undefined> {
    if (stage === undefined) return undefined;
    const input = this.file.inputs[stage];
    if (!input) throw new UserError(`grpo.curriculum.from: no input is named "${stage}"`);
    return readPassRates(join(await this.verified(input), passRatesName));
  }

  /** The directory of an earlier stage's output; refuses one that is not exactly what the operator pinned. */
  async verified(input: PinnedInput): Promise<string> {
    await verifyCheckpoint(input.path, input.digest);
    return input.path;
  }

  private async rowsOf(name: string, part: DatasetPart): Promise<RowList> {
    const input = this.file.inputs[name];
    if (input) {
      const directory = await this.verified(input);
      const heldOut = join(directory, heldOutRowsName);
      if (part === 'heldOut' && !existsSync(heldOut)) return [];
      return readRows(part === 'heldOut' ? heldOut : join(directory, rowsName), { onActivity: this.onActivity });
    }
    const { train, heldOut } = await this.dataset(name);
    if (part === 'evaluation') return heldOut.length > 0 ? heldOut : train;
    return part === 'train' ? train : heldOut;
  }

  private dataset(name: string): Promise<Dataset> {
    const opened = this.datasets.get(name) ?? this.open(name, false);
    this.datasets.set(name, opened);
    return opened;
  }

  private async open(name: string, allColumns: boolean): Promise<Dataset> {
    const settings = this.file.datasets.find((dataset) => dataset.name === name);
    if (!settings) throw new UserError(`stage ${this.file.stage}: no dataset or input is named "${name}"`);
    const isScored = this.file.settings.grpo?.rewards.some((reward) => ownReward(reward) !== undefined) ?? false;
    const further = allColumns || isScored || settings.answer?.verifier !== undefined;
    return loadDataset(settings, this.file.seed, { onActivity: this.onActivity, further });
  }
}
