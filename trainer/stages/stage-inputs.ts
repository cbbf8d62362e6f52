import { join } from 'node:path';
import { verifyCheckpoint } from '../checkpoint/store.ts';
import type { Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { PinnedInput, StageFile } from '../contract/stage-file.ts';
import { type Dataset, loadDataset } from '../data/load-dataset.ts';
import { readRows } from '../data/rows.ts';

/** `evaluation` is the held-out part, or all rows of a dataset that has none. */
export type DatasetPart = 'train' | 'heldOut' | 'evaluation';

/** What a stage reads: datasets of the manifest, and pinned rows and models of earlier stages. */
export class StageInputs {
  private readonly file: StageFile;

  constructor(file: StageFile) {
    this.file = file;
  }

  /** Rows of the named datasets and earlier stages, in the order of the names. */
  async rows(names: readonly string[], part: DatasetPart): Promise<Row[]> {
    const parts = await Promise.all(names.map((name) => this.rowsOf(name, part)));
    return parts.flat();
  }

  /** The directory of an earlier stage's output; refuses one that is not exactly what the operator pinned. */
  async verified(input: PinnedInput): Promise<string> {
    await verifyCheckpoint(input.path, input.digest);
    return input.path;
  }

  private async rowsOf(name: string, part: DatasetPart): Promise<Row[]> {
    const input = this.file.inputs[name];
    if (input) return [...(await readRows(join(await this.verified(input), 'rows.jsonl')))];
    const { train, heldOut } = await this.dataset(name);
    if (part === 'evaluation') return [...(heldOut.length > 0 ? heldOut : train)];
    return [...(part === 'train' ? train : heldOut)];
  }

  private dataset(name: string): Promise<Dataset> {
    const settings = this.file.datasets.find((dataset) => dataset.name === name);
    if (!settings) throw new UserError(`stage ${this.file.stage}: no dataset or input is named "${name}"`);
    return loadDataset(settings, this.file.seed);
  }
}
