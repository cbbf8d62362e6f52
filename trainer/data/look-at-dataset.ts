import type { DatasetSettings, Row } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import {
  type DatasetUse,
  type FileProblem,
  lookedAt,
  type Rendering,
  type RowNeed,
} from '../contract/settings/file-check.ts';
import { type Column, columnHint, columnsOf, likelyColumns } from './columns/column-hint.ts';
import { usedColumns } from './columns/columns.ts';
import { readDataLines } from './files/data-lines.ts';
import { type Fields, isRecord, namesOf } from './columns/fields.ts';
import { type Advise, noRows, readLine } from './import-rows.ts';

type NamedDataset = { readonly path: FileProblem['path']; readonly settings: DatasetSettings };

/** Puts a row in a chat template. @throws UserError if the template refuses it */
export type RenderRow = (rendering: Rendering, row: Row) => void;

/** What was found in the first rows of a file. */
interface Look {
  /** The fields of its first row. */
  readonly fields: Fields;
  /** Where the first row without a completion and so on is; absent where all have it. */
  readonly without: Partial<Record<RowNeed, string>>;
  /** Where the first completion is that is labelled bad. */
  readonly bad: string | undefined;
  /** Whether any row has an answer. */
  readonly gradable: boolean;
  /** What a chat template says of the first row that it refuses, with its place; by `keyOf` the rendering. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Reads the first rows of a dataset's files as its stages will, and compares them with what the stages need.
 *
 * @returns what is wrong, at most once for each file and use
 */
export async function lookAtDataset(
  { path, settings }: NamedDataset,
  uses: readonly DatasetUse[],
  render: RenderRow = () => undefined,
): Promise<FileProblem[]> {
  const problems: FileProblem[] = [];
  const renderings = distinctRenderings(uses);
  // One message names all columns that the stages need, so that nobody is sent for one after the other.
  const wanted = uses.length === 0 ? likelyColumns(settings) : uses.flatMap(({ need }) => columnsOf[need]);
  const advise: Advise = (fields, lacking) => columnHint(fields, lacking, wanted);
  const look = async (file: string | undefined, ...field: string[]): Promise<Look | undefined> => {
    if (file === undefined) return undefined;
    try {
      return await lookAtFile(file, settings, renderings, render, advise);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push({ path: [...path, ...field], message: error.message });
      return undefined;
    }
  };
  const train = await look(settings.file, 'file');
  const heldOut = settings.heldOut?.file === undefined ? train : await look(settings.heldOut.file, 'heldOut', 'file');
  for (const use of uses) {
    const looked = use.heldOut ? heldOut : train;
    if (looked === undefined) continue;
    const file = (use.heldOut && settings.heldOut?.file) || settings.file;
    const refused = use.rendering && looked.refused.get(keyOf(use.rendering));
    const message = unmetNeed(use.need, looked, file, advise) ?? refused;
    if (message !== undefined) problems.push({ path: use.path, message });
  }
  return problems;
}

/** The ways in which some uses render rows, by `keyOf` them. */
export function distinctRenderings(uses: readonly DatasetUse[]): Map<string, Rendering> {
  return new Map(uses.flatMap(({ rendering }) => (rendering ? [[keyOf(rendering), rendering] as const] : [])));
}

/** Equal for equal renderings. */
export function keyOf({ directory, chat = {} }: Rendering): string {
  return JSON.stringify([directory, chat]);
}

async function lookAtFile(
  file: string,
  settings: DatasetSettings,
  renderings: ReadonlyMap<string, Rendering>,
  render: RenderRow,
  advise: Advise,
): Promise<Look> {
  let fields: Fields | undefined;
  const without: Partial<Record<RowNeed, string>> = {};
  const refused = new Map<string, string>();
  let gradable = false;
  let bad: string | undefined;
  let rows = 0;
  for await (const line of readDataLines(file, usedColumns(settings.columns))) {
    const row = readLine(line, settings, settings.name, { advise });
    fields ??= isRecord(line.value) ? line.value : {};
    for (const [need, met] of Object.entries(needsOf(row)) as [RowNeed, boolean][]) {
      if (!met) without[need] ??= line.place;
    }
    gradable ||= row.answer !== undefined;
    if (row.label === false) bad ??= line.place;
    for (const [key, rendering] of renderings) {
      if (refused.has(key)) continue;
      const words = refusal(() => render(rendering, row));
      if (words !== undefined) refused.set(key, `${line.place}: ${words}`);
    }
    if (++rows >= lookedAt.rows || line.offset >= lookedAt.bytes) break;
  }
  if (fields === undefined) throw new UserError(noRows(file));
  return { fields, without, bad, gradable, refused };
}

function refusal(render: () => void): string | undefined {
  try {
    render();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function needsOf(row: Row): Partial<Record<RowNeed, boolean>> {
  return {
    prompt: row.messages.length > 0,
    completion: row.completion !== undefined,
    pair: row.chosen !== undefined,
    label: row.completion !== undefined && row.label !== undefined,
  };
}

/** Every row must have what is trained; of answers, one is enough to learn from. */
function unmetNeed(need: RowNeed, look: Look, file: string | undefined, advise: Advise): string | undefined {
  const where = look.without[need];
  const found = (lacking: Column) => `found ${namesOf(look.fields)}${advise(look.fields, lacking)}`;
  switch (need) {
    case 'prompt':
      return where && `${where}: found a document without a prompt, expected prompt or messages`;
    case 'completion':
      return where ? `${where}: has no completion to train; ${found('completion')}` : labelledBad(look);
    case 'pair':
      return where && `${where}: has no chosen and rejected to compare; ${found('chosen')}`;
    case 'label':
      return where && `${where}: has no completion with a label of true or false, 1 or 0; ${found('label')}`;
    case 'answer':
      if (look.gradable) return undefined;
      return `${file}: no row has an answer that could be graded; ${found('answer')}`;
  }
}

function labelledBad({ bad }: Look): string | undefined {
  return bad && `${bad}: label: found false, a completion to be unlearned; expected good ones alone`;
}
