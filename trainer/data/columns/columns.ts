import type { DatasetSettings } from '../../contract/settings/dataset.ts';
import { BadLine, inWords } from '../files/bad-line.ts';
import { type Fields, isRecord, namesOf, valueAt } from './fields.ts';
import { beginnings } from './forms/forms.ts';
import type { IsWanted } from '../files/data-lines.ts';

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
  const columnOf = mappingsOf(columns);
  const mapped = columnOf.map(([name, column]): [string, unknown] => {
    const found = valueAt(value, column);
    if (found === undefined) throw new BadLine(`columns.${name}: found no column ${column}; found ${namesOf(value)}`);
    return [name, found];
  });
  const taken = new Set([...replacedBy(columnOf), ...columnOf.map(([, column]) => column)]);
  const kept = Object.entries(value).filter(([name]) => !taken.has(name));
  return Object.fromEntries([...kept, ...mapped].filter(([, content]) => content !== null));
}

/** What TRL gives as prompts and completions, and so not as columns. */
const noColumns = ['prompt', 'completion', 'prompts', 'completions'];

/** What a row has for functions of one's own, as the file has it; null is the same as absent. */
export function furtherColumns(value: object): Fields {
  return Object.fromEntries(
    Object.entries(value).filter(([name, content]) => content !== null && !noColumns.includes(name)),
  );
}

/** All fields that rows are read from, in whatever form. */
const rowFields: readonly string[] = [
  ...beginnings,
  'input',
  'output',
  'history',
  'completion',
  'label',
  'chosen',
  'rejected',
  'margin',
  'answer',
  'language',
  'system',
  'tools',
];

/**
 * Which columns of a file decide what its rows are: those whose names forms know and no mapping replaces, and mapped ones.
 *
 * @param further the others are read, too, as far as they can be
 */
export function usedColumns(columns: DatasetSettings['columns'] = {}, further = false): IsWanted {
  const mapped = mappingsOf(columns);
  const replaced = new Set([...mapped.map(([name]) => name), ...replacedBy(mapped)]);
  const used = new Set(rowFields.filter((name) => !replaced.has(name)));
  for (const [, column] of mapped) used.add(column).add(column.split('.')[0] as string);
  return (column) => used.has(column) || (further && 'ifReadable');
}

/** Fields that say what a mapped column says as well. */
function replacedBy(mapped: readonly (readonly [name: string, column: string])[]): readonly string[] {
  return mapped.some(([name]) => beginnings.includes(name)) ? beginnings : [];
}

function mappingsOf(columns: object): [name: string, column: string][] {
  return Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
}
