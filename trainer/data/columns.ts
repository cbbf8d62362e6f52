import type { DatasetSettings } from '../contract/dataset.ts';
import { BadLine, inWords } from './bad-line.ts';
import { type Fields, isRecord, namesOf, valueAt } from './fields.ts';
import { beginnings } from './forms/forms.ts';

/**
 * The fields of a row under the names that forms know; null is the same as absent. A mapped column counts where the row
 * says the same thing in another field, and counts under its new name alone.
 *
 * @throws BadLine for a column that the row does not have, and for what is no JSON object
 */
export function fieldsOf(value: unknown, columns: DatasetSettings['columns'] = {}): Fields {
  if (Array.isArray(value)) {
    throw new BadLine("found a JSON array; expected one JSON object a line (jq -c '.[]' FILE makes it)");
  }
  if (!isRecord(value)) throw new BadLine(`found ${inWords(value)}; expected a JSON object`);
  const columnOf = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const mapped = columnOf.map(([name, column]): [string, unknown] => {
    const found = valueAt(value, column);
    if (found === undefined) throw new BadLine(`columns.${name}: found no column ${column}; found ${namesOf(value)}`);
    return [name, found];
  });
  const says = columnOf.some(([name]) => beginnings.includes(name)) ? beginnings : [];
  const taken = new Set([...says, ...columnOf.map(([, column]) => column)]);
  const kept = Object.entries(value).filter(([name]) => !taken.has(name));
  return Object.fromEntries([...kept, ...mapped].filter(([, content]) => content !== null));
}
