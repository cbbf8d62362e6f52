import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ColumnSource, fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { z } from 'zod';
import { replaceFileBy } from '../checkpoint/replace-file.ts';
import { rolloutsName, samplesName } from '../contract/files/checkpoint.ts';
import { UserError } from '../contract/process/errors.ts';
import { jsonLines } from './jsonl.ts';

/** A completion of a rollout, in `samples.jsonl` or in a file of `rollouts/`. */
const completionLine = z.object({
  from: z.string().optional(),
  step: z.int().min(0),
  dataset: z.string().optional(),
  row: z.string().optional(),
  prompt: z.string().optional(),
  completion: z.string(),
  scores: z.record(z.string(), z.number().nullable()).default({}),
  reward: z.number().nullish(),
  advantage: z.number().nullish(),
  verdict: z.string().optional(),
  tokens: z.int().optional(),
  finish: z.string().optional(),
  gold: z.string().optional(),
});
type CompletionLine = z.infer<typeof completionLine>;

const first = ['step', 'dataset', 'row', 'prompt', 'completion'] as const;
const last = ['reward', 'advantage', 'verdict', 'tokens', 'finish', 'gold'] as const;
const types: Partial<Record<string, ColumnSource['type']>> = {
  step: 'INT32',
  tokens: 'INT32',
  reward: 'DOUBLE',
  advantage: 'DOUBLE',
};

/** Completions in memory at once. */
const rowGroupSize = 1000;

export interface CompletionsTable {
  readonly completions: number;
  readonly firstStep: number;
  readonly lastStep: number;
}

/**
 * Writes the completions that a stage keeps into one Parquet file, with the columns that TRL logs: `step`, `prompt`, `completion`,
 * one for each reward, `advantage`, and what else is known. The file appears as a whole.
 *
 * @param directory of the stage
 * @throws UserError if it keeps none
 */
export async function writeCompletionsTable(directory: string, path: string): Promise<CompletionsTable> {
  const names = new Set<string>();
  let [completions, firstStep, lastStep] = [0, 0, 0];
  for await (const { step, scores } of completionsOf(directory)) {
    for (const name of Object.keys(scores)) names.add(name);
    if (completions++ === 0) firstStep = step;
    lastStep = step;
  }
  if (completions === 0) {
    throw new UserError(
      `${directory}: found no completions of rollouts, expected some in ${samplesName} or ${rolloutsName}/`,
    );
  }
  const rewards = [...names].map((name) => ({ name, column: columnOf(name) }));
  async function* rows(): AsyncGenerator<Record<string, unknown>> {
    for await (const line of completionsOf(directory)) {
      const scores = rewards.map(({ name, column }) => [column, line.scores[name] ?? null]);
      yield { ...line, ...(Object.fromEntries(scores) as Record<string, number | null>) };
    }
  }
  const columns = [
    ...first.map((name) => ({ name, type: types[name] ?? ('STRING' as const) })),
    ...rewards.map(({ column }) => ({ name: column, type: 'DOUBLE' as const })),
    ...last.map((name) => ({ name, type: types[name] ?? ('STRING' as const) })),
  ];
  if (!(await isDirectory(dirname(path))))
    throw new UserError(`${path}: found no directory ${dirname(path)} to write it into`);
  await replaceFileBy(path, async (partial) => {
    await parquetWriteRows({
      writer: fileWriter(partial),
      rows: rows(),
      columns,
      rowGroupSize,
      createdBy: 'r1-operator',
    });
  });
  return { completions, firstStep, lastStep };
}

/** Looks at the steps before the kept rollouts, and all of those. */
async function* completionsOf(directory: string): AsyncGenerator<CompletionLine> {
  const rollouts = await rolloutFiles(join(directory, rolloutsName));
  const oldest = rollouts[0]?.step ?? Infinity;
  for await (const line of linesOf(join(directory, samplesName))) {
    if (line.from === 'rollout' && line.step < oldest) yield line;
  }
  for (const { path } of rollouts) yield* linesOf(path);
}

async function* linesOf(path: string): AsyncGenerator<CompletionLine> {
  for await (const value of jsonLines(path)) {
    const { data } = completionLine.safeParse(value);
    if (data !== undefined) yield data;
  }
}

/** By their first steps, ascending. */
async function rolloutFiles(directory: string): Promise<{ readonly step: number; readonly path: string }[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const step = /^step-(\d+)\.jsonl$/.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: join(directory, name) }];
    })
    .toSorted((one, other) => one.step - other.step);
}

function columnOf(reward: string): string {
  return [...first, ...last].some((name) => name === reward) ? `scores.${reward}` : reward;
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
