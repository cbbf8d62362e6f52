import { z } from 'zod';
import { answerKinds, answerPlaces } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { languages } from '../../contract/settings/languages.ts';
import { type Certified, certify, type CheckResult, type Tolerance } from '../../rewards/certify/certify.ts';
import type { LabelledRow, Outcome, Question } from '../../rewards/certify/checks.ts';
import type { Score } from '../../rewards/score.ts';
import { verdictOf } from '../../rewards/modules/own-verifiers.ts';
import type { OwnReward } from '../../rewards/modules/reward-modules.ts';
import type { Judged } from '../../rewards/verify.ts';
import { judgeApart } from '../../rewards/apart/verify-apart.ts';
import { furtherColumns } from '../columns/columns.ts';
import { readDataLines } from '../files/data-lines.ts';
import type { GradeDefaults } from './grade-rows.ts';
import { expecting, parseGradedLine } from './graded-line.ts';
import type { JsonLine } from '../files/jsonl.ts';
import { openReward, type RewardFile } from './score-rows.ts';

const schema = z.object(
  {
    completion: z.string(expecting('text')),
    gold: z
      .union([z.string(), z.number(), z.record(z.string(), z.unknown())], expecting('text, a number or an object'))
      .transform((gold) => (typeof gold === 'object' ? JSON.stringify(gold) : String(gold))),
    label: z.enum(['correct', 'partial', 'wrong'], expecting('correct, partial or wrong')),
    prompt: z.string(expecting('text')).nullish(),
    kind: z.enum(answerKinds).nullish(),
    in: z.enum(answerPlaces).nullish(),
    language: z.enum(languages).nullish(),
  },
  { error: 'expected a JSON object with completion, gold and label' },
);

interface Row extends LabelledRow, Omit<z.infer<typeof schema>, 'completion' | 'gold' | 'label'> {
  readonly columns: Readonly<Record<string, unknown>>;
}

/** What is certified: a verifier of ours, or a function of one's own. */
export type Candidate = { readonly builtIn: GradeDefaults } | RewardFile;

/**
 * Certifies a verifier on rows `{"completion", "gold", "label", "prompt", "kind", "in", "language"}`; other fields are columns.
 *
 * @param file JSONL or Parquet; `-` is stdin
 * @throws UserError `file:line: …` for a row that is none, and for a file without right or without wrong rows
 */
export async function certifyRows(file: string, candidate: Candidate, tolerance: Tolerance): Promise<CheckResult[]> {
  const rows: Row[] = [];
  for await (const line of readDataLines(file, () => 'ifReadable')) rows.push(read(line));
  for (const label of ['correct', 'wrong'] as const) {
    if (rows.some((row) => row.label === label)) continue;
    throw new UserError(`${file}: found ${rows.length} rows, none of them labelled ${label}; expected some of both`);
  }
  if ('builtIn' in candidate) return certify(rows, ours(candidate.builtIn), tolerance);
  const reward = await openReward(candidate);
  try {
    return await certify(rows, ofOnesOwn(reward), tolerance);
  } finally {
    reward.close();
  }
}

function read(line: JsonLine): Row {
  const { gold: given, answer } = (line.value ?? {}) as { readonly gold?: unknown; readonly answer?: unknown };
  if (given === undefined && answer !== undefined)
    throw new UserError(`${line.place}: found answer and no gold; expected the right answer as gold, and a label`);
  const parsed = parseGradedLine(line, schema);
  const { gold: _gold, label: _label, ...columns } = furtherColumns(line.value as object);
  return { line: line.number, ...parsed, columns };
}

function ours(defaults: GradeDefaults): Certified {
  const judged = ({ gold, row }: Question): Judged => {
    const { kind, in: place, language } = row as Row;
    const answer = gold !== undefined && {
      kind: kind ?? defaults.kind ?? 'number',
      in: place ?? defaults.in ?? 'answerTag',
      gold,
    };
    return { ...(answer && { answer }), language: language ?? defaults.language };
  };
  const verdictOn = async (question: Question): Promise<Outcome> => {
    const { verdict } = await judgeApart(judged(question), question.completion);
    return verdict.unscored?.because ?? verdict.outcome;
  };
  return {
    judge: (questions) => Promise.all(questions.map(verdictOn)),
    // Of a program, or of what a pattern is looked for in, most can be changed and stays right.
    answersOf: (rows) =>
      Promise.all(
        rows.map(async (row) =>
          ['pattern', 'code'].includes((row as Row).kind ?? defaults.kind ?? 'number')
            ? undefined
            : (await judgeApart(judged({ completion: row.completion, gold: row.gold, row }), row.completion)).found,
        ),
      ),
  };
}

/** As many are scored at a time. */
const batch = 256;

function ofOnesOwn(reward: OwnReward): Certified {
  return {
    async judge(questions) {
      const outcomes: Outcome[] = [];
      for (let start = 0; start < questions.length; start += batch) {
        // oxlint-disable-next-line no-await-in-loop -- one rollout after the other
        outcomes.push(...(await reward.score(questions.slice(start, start + batch).map(sampleOf))).map(outcomeOf));
      }
      return outcomes;
    },
    answersOf: async (rows) =>
      rows.map(({ completion, gold }) =>
        completion.includes(gold) ? gold : completion.match(/\d[\d.,]*\d|\d/g)?.at(-1),
      ),
  };
}

function outcomeOf(score: Score): Outcome {
  const { outcome, unscored } = verdictOf(score);
  return unscored?.because ?? outcome;
}

function sampleOf({ completion, gold, row }: Question) {
  const { line, prompt, columns, language } = row as Row;
  return {
    completion,
    ...(gold !== undefined && { answer: gold }),
    prompt: prompt ?? '',
    row: {
      id: String(line),
      dataset: 'rows',
      domain: 'reasoning' as const,
      messages: prompt ? [{ role: 'user' as const, content: prompt }] : [],
      ...(language && { language }),
      ...(gold !== undefined && { answer: { kind: 'exact' as const, in: 'answerTag' as const, gold } }),
      columns,
    },
  };
}
