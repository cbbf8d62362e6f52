import { randomKey } from '../algorithms/random.ts';
import type { DatasetSettings, Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { generateRows } from './generators/generate.ts';
import type { Side } from './generators/side.ts';
import { importJsonl } from './import-jsonl.ts';
import { withSystem } from './system-message.ts';

export interface Dataset {
  readonly train: Row[];
  readonly heldOut: Row[];
}

/**
 * The rows of a dataset, in the order of their source.
 *
 * @param settings with absolute paths
 * @param seed of the run; generators depend on it, JSONL files do not
 * @throws UserError if a file, a line or a gold answer is bad, or no row is left for training or for evaluation
 */
export async function loadDataset(settings: DatasetSettings, seed: number): Promise<Dataset> {
  const { name, generator, jsonl, heldOut } = settings;
  if (generator !== undefined) {
    const generate = (side: Side) =>
      Array.from(generateRows(name, generator, seed, side), (row) => withSystem(row, settings.system));
    return { train: generate('train'), heldOut: generate('heldOut') };
  }
  if (jsonl === undefined) throw new UserError(`dataset ${name}: found no source; expected generator or jsonl`);

  const rows = await importJsonl(jsonl, settings, name);
  const { train, heldOut: keptBack } = splitRows(name, rows, heldOut?.fraction ?? 0);
  if (heldOut?.jsonl === undefined) return { train, heldOut: keptBack };
  return { train, heldOut: [...keptBack, ...(await importJsonl(heldOut.jsonl, settings, `${name}/heldOut`))] };
}

/** Keeps back a share of the rows by a hash of their prompt, so that equal prompts stay on one side. */
function splitRows(name: string, rows: readonly Row[], fraction: number): Dataset {
  const train: Row[] = [];
  const heldOut: Row[] = [];
  for (const row of rows) {
    const [hash] = randomKey('held-out', JSON.stringify(row.messages));
    (hash / 2 ** 32 < fraction ? heldOut : train).push(row);
  }
  if (train.length === 0 || (fraction > 0 && heldOut.length === 0)) {
    throw new UserError(
      `dataset ${name}: heldOut.fraction ${fraction} of ${rows.length} rows leaves ${train.length} for training and ` +
        `${heldOut.length} for evaluation; expected at least one of each`,
    );
  }
  return { train, heldOut };
}
