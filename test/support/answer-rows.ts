import { readFileSync } from 'node:fs';
import type { Row } from '../../trainer/contract/settings/dataset.ts';
import type { Judged } from '../../trainer/rewards/verify.ts';

type Answer = NonNullable<Row['answer']>;

/** A row of test/fixtures/answers, in the form that `r1 grade` reads. */
export interface AnswerRow {
  readonly completion: string;
  readonly answer: string;
  readonly kind?: Answer['kind'];
  readonly in: Answer['in'];
  readonly language?: string;
  readonly expect: 'correct' | 'wrong' | 'partial' | 'abstain';
}

export const answerFiles = ['numbers', 'maths', 'texts'].map((name) => `test/fixtures/answers/${name}.jsonl`);

export function answerRows(file: string): AnswerRow[] {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as AnswerRow);
}

/** What the trainer would make of the row. */
export function judgedRow({
  answer,
  kind = 'number',
  in: place,
  language,
}: Omit<AnswerRow, 'completion' | 'expect'>): Judged {
  return { answer: { kind, in: place, gold: answer }, ...(language && { language: language as Row['language'] }) };
}
