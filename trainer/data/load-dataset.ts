import type { DatasetSettings, Row } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import { generateRows } from './generators/generate.ts';
import type { Side } from './generators/side.ts';
import { type ImportOptions, importRows } from './import-rows.ts';
import { isHeldOut } from './order/is-held-out.ts';
import { NumberList } from './lists/number-list.ts';
import { packRows } from './lists/packed-rows.ts';
import type { ScanOptions } from './files/row-file.ts';
import { joinRows, pickRows, type RowList } from './lists/row-list.ts';
import { withSystem } from './system-message.ts';

export interface Dataset {
  readonly train: RowList;
  readonly heldOut: RowList;
}

type LoadOptions = Pick<ScanOptions, 'onActivity'> & ImportOptions;

/**
 * The rows of a dataset, in the order of their source.
 *
 * @param settings with absolute paths
 * @param seed of the run; generators depend on it, files do not
 * @throws UserError if a file, a line or a gold answer is bad, or no row is left for training or for evaluation
 */
export async function loadDataset(
  settings: DatasetSettings,
  seed: number,
  options: LoadOptions = {},
): Promise<Dataset> {
  const { name, generator, file, heldOut } = settings;
  if (generator !== undefined) {
    const generate = (side: Side) => packRows(withSystems(generateRows(name, generator, seed, side), settings.system));
    return { train: generate('train'), heldOut: generate('heldOut') };
  }
  if (file === undefined) throw new UserError(`dataset ${name}: found no source; expected generator or file`);

  const { train, heldOut: keptBack } = await splitRows(file, settings, heldOut?.fraction ?? 0, options);
  if (heldOut?.file === undefined) return { train, heldOut: keptBack };
  const further = await importRows(heldOut.file, settings, `${name}/heldOut`, options);
  return { train, heldOut: joinRows([keptBack, further]) };
}

function* withSystems(rows: Iterable<Row>, system: string | undefined): Generator<Row> {
  for (const row of rows) yield withSystem(row, system);
}

/** Keeps back a share of the rows. */
async function splitRows(
  file: string,
  settings: DatasetSettings,
  fraction: number,
  options: LoadOptions,
): Promise<Dataset> {
  const { name } = settings;
  if (fraction === 0) return { train: await importRows(file, settings, name, options), heldOut: [] };
  const train = new NumberList();
  const heldOut = new NumberList();
  const onRow = (row: Row, place: number): void => (isHeldOut(row, fraction) ? heldOut : train).push(place);
  const rows = await importRows(file, settings, name, { ...options, onRow });
  if (train.length === 0 || heldOut.length === 0) {
    throw new UserError(
      `dataset ${name}: heldOut.fraction ${fraction} of ${rows.length} rows leaves ${train.length} for training and ` +
        `${heldOut.length} for evaluation; expected at least one of each`,
    );
  }
  return { train: pickRows(rows, train), heldOut: pickRows(rows, heldOut) };
}
