import { join } from 'node:path';
import { heldOutRowsName, rowsName } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import { readJsonObject } from '../../contract/files/input-file.ts';
import { type RowManifest, rowManifest, rowManifestName } from '../../contract/settings/row-origin.ts';
import { faultOfOrigin } from '../origins/row-origin.ts';
import { describeIssue, readRows } from '../rows.ts';

const mostManifestBytes = 2 ** 20;
/** Faults of a file that are told one by one. */
const mostTold = 10;

/**
 * What is wrong with the rows that a sample stage kept in a directory, each of them held against the manifest beside them.
 *
 * @returns a line a fault, with the file and the line; none where the directory has no manifest of rows
 */
export async function faultsOfKeptRows(directory: string): Promise<string[]> {
  const path = join(directory, rowManifestName);
  try {
    const found = await readJsonObject(path, mostManifestBytes);
    if (found === undefined) return [];
    const { data: manifest, error } = rowManifest.safeParse(found);
    if (error) return [`${path}: ${describeIssue(error)}`];
    const faults: string[] = [];
    for (const file of manifest.files) {
      // oxlint-disable-next-line no-await-in-loop -- one file after the other keeps the memory flat
      faults.push(...(await faultsOfFile(directory, file, manifest)));
    }
    return faults;
  } catch (error) {
    if (error instanceof UserError) return [error.message];
    throw error;
  }
}

async function faultsOfFile(
  directory: string,
  { path, rows }: RowManifest['files'][number],
  manifest: RowManifest,
): Promise<string[]> {
  // Nothing else is a name of rows; `..` would leave the directory.
  if (path !== rowsName && path !== heldOutRowsName) {
    return [`${join(directory, rowManifestName)}: found rows in ${path}, expected ${rowsName} or ${heldOutRowsName}`];
  }
  const file = join(directory, path);
  const told: string[] = [];
  let faults = 0;
  const { length } = await readRows(file, {
    onRow(row, place) {
      const fault = faultOfOrigin(row, manifest);
      if (fault !== undefined && faults++ < mostTold) told.push(`${file}: row ${place + 1}: ${fault}`);
    },
  });
  if (faults > mostTold) told.push(`${file}: ${faults - mostTold} more of its rows have a fault`);
  if (length !== rows) told.push(`${file}: found ${length} rows, expected ${rows}`);
  return told;
}
