import { z } from 'zod';
import { answerKinds, answerPlaces } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { languages } from '../../contract/settings/languages.ts';
import { goldProblem, spellGold } from '../../rewards/verify.ts';
import { judgeApart } from '../../rewards/apart/verify-apart.ts';
import type { Verdict } from '../../rewards/verifiers/verifier.ts';
import { isRecord } from '../columns/fields.ts';
import { readDataLines } from '../files/data-lines.ts';
import { expecting, parseGradedLine } from './graded-line.ts';
import type { JsonLine } from '../files/jsonl.ts';

export const outcomes = ['correct', 'wrong', 'partial', 'abstain'] as const satisfies readonly Verdict['outcome'][];

/** An option of a fixed set, named in the message when it is none of them. */
function oneOf<const Options extends readonly string[]>(options: Options) {
  return z.enum(options, {
    error: ({ input }) => `found ${JSON.stringify(input)}, expected one of ${options.join(', ')}`,
  });
}

const gradeRow = z.object(
  {
    completion: z.string(expecting('text')),
    answer: z
      .union([z.string(), z.number(), z.record(z.string(), z.unknown())], expecting('text, a number or an object'))
      .transform((answer) => (typeof answer === 'object' ? JSON.stringify(answer) : String(answer))),
    kind: oneOf(answerKinds).optional(),
    in: oneOf(answerPlaces).optional(),
    language: oneOf(languages).optional(),
    expect: oneOf(outcomes).optional(),
  },
  { error: 'expected a JSON object with completion and answer' },
);
type GradeRow = z.infer<typeof gradeRow>;

/** What rows that do not say so themselves have. */
export type GradeDefaults = Pick<GradeRow, 'kind' | 'in' | 'language'>;

/** One row with its verdict and the reasons. */
export interface Grade {
  /** Line or row of the file, counted from 1. */
  readonly line: number;
  readonly outcome: Verdict['outcome'];
  readonly score: number;
  readonly expect?: Verdict['outcome'];
  readonly kind: (typeof answerKinds)[number];
  readonly in: (typeof answerPlaces)[number];
  readonly completion: string;
  /** The part of the completion that was taken for the answer. */
  readonly found?: string;
  /** What it was read as. */
  readonly value?: string;
  /** What the gold answer was read as. */
  readonly gold?: string;
  /** Why the gold answer cannot be read. */
  readonly problem?: string;
}

/**
 * Holds completions against gold answers as the accuracy reward does. Rows are
 * `{"completion", "answer", "kind", "in", "language", "expect"}`; other fields are ignored.
 *
 * @param file JSONL or Parquet; `-` is stdin
 * @throws UserError `file:line: …` for a row that cannot be graded, and for a file without rows
 */
export async function* gradeRows(file: string, defaults: GradeDefaults): AsyncGenerator<Grade> {
  let rows = 0;
  for await (const line of readDataLines(file, (column) => Object.hasOwn(gradeRow.shape, column))) {
    yield await gradeOf(line, { ...defaults, ...parseGradedLine(line, gradeRow, withoutNulls(line.value)) });
    rows++;
  }
  if (rows === 0) throw new UserError(`${file}: found no rows, expected some with completion and answer`);
}

/** A field that a row may leave out is null in a Parquet file of which other rows have it. */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const optional = ['kind', 'in', 'language', 'expect'];
  return Object.fromEntries(
    Object.entries(value).filter(([name, found]) => found !== null || !optional.includes(name)),
  );
}

async function gradeOf({ number }: JsonLine, row: GradeRow): Promise<Grade> {
  const { completion, kind = 'number', in: place = 'answerTag', language, expect } = row;
  const answer = { kind, in: place, gold: row.answer };
  const { verdict, ...reasons } = await judgeApart({ answer, language }, completion);
  // What could not be read where it can be ended is not read here.
  const isRead = verdict.unscored === undefined;
  const [gold, problem] = isRead ? [spellGold(answer), goldProblem(answer)] : [undefined, verdict.unscored.message];
  return {
    line: number,
    ...verdict,
    ...(expect && { expect }),
    kind,
    in: place,
    completion,
    ...reasons,
    ...(gold !== undefined && { gold }),
    ...(problem !== undefined && { problem }),
  };
}
