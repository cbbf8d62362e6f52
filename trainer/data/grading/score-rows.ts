import { z } from 'zod';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { rewardHttp, rewardModule, rewardPython } from '../../contract/settings/own-functions.ts';
import type { Sample } from '../../rewards/modules/protocol.ts';
import type { Score, Unscored } from '../../rewards/score.ts';
import { HttpReward } from '../../rewards/modules/http-reward.ts';
import { lackingColumns } from '../../rewards/modules/needed-columns.ts';
import { RewardModule } from '../../rewards/modules/reward-module.ts';
import type { OwnReward } from '../../rewards/modules/reward-modules.ts';
import { furtherColumns } from '../columns/columns.ts';
import { type IsWanted, readDataLines } from '../files/data-lines.ts';
import { expecting, parseGradedLine } from './graded-line.ts';
import type { JsonLine } from '../files/jsonl.ts';

/** As many rows are given to `gradeBatch` at a time. */
const batch = 256;

const scoreRow = z.object(
  {
    completion: z.string(expecting('text')),
    answer: z.union([z.string(), z.number()], expecting('text or a number')).transform(String).nullish(),
    prompt: z.string(expecting('text')).nullish(),
    expect: z.number(expecting('a number or null')).nullish(),
  },
  { error: 'expected a JSON object with completion' },
);

const isWanted: IsWanted = (column) => Object.hasOwn(scoreRow.shape, column) || 'ifReadable';

/** One row with what a reward of one's own makes of it. */
export interface ScoredRow {
  /** Line or row of the file, counted from 1. */
  readonly line: number;
  readonly completion: string;
  /** Null where it has none. */
  readonly score: number | null;
  /** Why it has none. */
  readonly because?: Unscored['because'];
  readonly message?: string;
  /** What the row says that its score is; null is none. */
  readonly expect?: number | null;
}

/** A reward of one's own, with what a manifest would say of it. */
export type RewardFile =
  | { readonly module: z.input<typeof rewardModule> }
  | { readonly python: z.input<typeof rewardPython> }
  | { readonly http: z.input<typeof rewardHttp> };

/**
 * Has a reward of one's own score rows as a stage does. Rows are `{"completion", "answer", "prompt", "expect"}`; other fields are
 * columns.
 *
 * @param file JSONL or Parquet; `-` is stdin
 * @throws UserError `file:line: …` for a row that cannot be scored, for a file without rows, and for a module that cannot be used
 */
export async function* scoreRows(file: string, reward: RewardFile): AsyncGenerator<ScoredRow> {
  const module = await openReward(reward);
  try {
    let rows: ReturnType<typeof read>[] = [];
    let found = 0;
    for await (const line of readDataLines(file, isWanted)) {
      found++;
      rows.push(read(line));
      if (rows.length < batch) continue;
      if (found === batch) refuseLackingColumns(reward, module, rows);
      yield* await scored(module, rows);
      rows = [];
    }
    if (found > 0 && found < batch) refuseLackingColumns(reward, module, rows);
    yield* await scored(module, rows);
    if (found === 0) throw new UserError(`${file}: found no rows, expected some with completion`);
  } finally {
    module.close();
  }
}

function refuseLackingColumns(
  reward: RewardFile,
  { columns }: OwnReward,
  rows: readonly ReturnType<typeof read>[],
): void {
  if (!('python' in reward)) return;
  const { file } = reward.python;
  const found = new Set(rows.flatMap((row) => Object.keys(row.columns)));
  const problem = lackingColumns(file, columns, found, 'the rows');
  if (problem !== undefined) throw new UserError(problem);
}

/** Opens one for rows outside of a stage. @throws UserError for one that cannot be used */
export function openReward(reward: RewardFile): Promise<OwnReward> {
  if ('module' in reward) return RewardModule.open(rewardModule.parse(reward.module));
  if ('http' in reward) return HttpReward.open(settingsOf(rewardHttp, reward.http));
  return RewardModule.openPython(settingsOf(rewardPython, reward.python));
}

function settingsOf<T extends z.ZodType<object, object>>(schema: T, given: z.input<T>): z.infer<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
  const [field = ''] = path;
  throw new UserError(`${String(field)}: found ${JSON.stringify(given[field as keyof typeof given])}: ${message}`);
}

function read(line: JsonLine) {
  const parsed = parseGradedLine(line, scoreRow);
  const { expect: _, ...columns } = furtherColumns(line.value as object);
  return { number: line.number, ...parsed, columns };
}

async function scored(module: OwnReward, rows: readonly ReturnType<typeof read>[]): Promise<ScoredRow[]> {
  const scores = await module.score(rows.map(sampleOf));
  return rows.map(({ number, completion, expect }, index) => ({
    line: number,
    completion,
    ...resultOf(scores[index]),
    ...(expect !== undefined && { expect }),
  }));
}

function resultOf(score: Score | undefined): Pick<ScoredRow, 'score' | 'because' | 'message'> {
  return typeof score === 'object' ? { score: null, ...score } : { score: score ?? null };
}

function sampleOf({ number, completion, answer, prompt, columns }: ReturnType<typeof read>): Sample {
  const row: Row = {
    id: String(number),
    dataset: 'rows',
    domain: 'reasoning',
    messages: prompt ? [{ role: 'user', content: prompt }] : [],
    ...(answer && { answer: { kind: 'exact', in: 'answerTag', gold: answer } }),
    columns,
  };
  return { completion, ...(answer && { answer }), prompt: prompt ?? '', row };
}
