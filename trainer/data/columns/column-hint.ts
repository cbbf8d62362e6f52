import type { DatasetSettings } from '../../contract/settings/dataset.ts';
import type { RowNeed } from '../../contract/settings/file-check.ts';
import { type Fields, valueAt } from './fields.ts';

/** Under which names public data sets hold what we call otherwise, the likeliest first; dots lead into objects. */
const otherNames = {
  prompt: ['question', 'problem', 'query', 'user', 'input', 'instruction'],
  completion: ['response', 'output', 'generation', 'solution', 'answer'],
  answer: [
    'solution',
    'final_answer',
    'ground_truth',
    'expected_answer',
    'gold',
    'target',
    'reward_model.ground_truth',
    'output',
    'response',
  ],
  chosen: ['accepted', 'preferred', 'response_chosen'],
  rejected: ['dispreferred', 'response_rejected'],
  label: ['is_safe', 'safe', 'is_response_safe'],
} as const;
export type Column = keyof typeof otherNames;
const columns = Object.keys(otherNames) as Column[];

/** Columns that rows do not have under the names that we look for, with those that are likely meant. */
export type Mapping = readonly (readonly [column: Column, other: string])[];

/** Says how somebody has rows read in which columns are named otherwise: a sentence. */
export type Remedy = (mapping: Mapping) => string;

/** What the manifest would say. */
export const inManifest: Remedy = (mapping) => {
  const pairs = mapping.map(([column, other]) => `${column}: ${other}`).join(', ');
  const words = mapping.map(([column, other]) => `${other} as ${column}`).join(' and ');
  return `columns: {${pairs}} reads ${words}`;
};

/** What rewrites a JSONL file, where no manifest is in between. */
export const inJsonl: Remedy = (mapping) => {
  const fields = mapping.map(([column, other]) => `${column}: .${other}`).join(', ');
  return `jq -c '. + {${fields}}' FILE names them so`;
};

/** The same for a Parquet file. */
export const inParquet: Remedy = (mapping) => {
  const names = mapping.map(([column, other]) => `"${other}": "${column}"`).join(', ');
  return `Python: datasets.Dataset.from_parquet(FILE).flatten().rename_columns({${names}}).to_parquet(FILE) names them so`;
};

/** The columns that rows need for what is done with them. */
export const columnsOf: Readonly<Record<RowNeed, readonly Column[]>> = {
  prompt: ['prompt'],
  completion: ['completion'],
  pair: ['chosen', 'rejected'],
  label: ['completion', 'label'],
  answer: ['answer'],
};

/** What rows of a dataset are for as long as nothing says what a stage does with them. */
export function likelyColumns({ domain, answer }: DatasetSettings): readonly Column[] {
  return domain === 'general' && answer === undefined ? ['completion'] : ['answer'];
}

/**
 * How rows could be read as they are: one sentence with the whole mapping, or nothing.
 *
 * @param wanted columns that are needed; those that the row has are left out
 * @param lacking the column that the message is about: without a likely one for it there is no advice
 */
export function columnHint(
  fields: Fields,
  lacking: Column,
  wanted: readonly Column[],
  remedy: Remedy = inManifest,
): string {
  const mapping: Mapping = columns.flatMap((column) => {
    if (column !== lacking && (!wanted.includes(column) || fields[column] !== undefined)) return [];
    const other = otherNames[column].find((name) => valueAt(fields, name) !== undefined);
    return other === undefined ? [] : [[column, other] as const];
  });
  return mapping.some(([column]) => column === lacking) ? `. ${remedy(mapping)}` : '';
}
