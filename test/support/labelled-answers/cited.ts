import { createHash } from 'node:crypto';
import type { LabelledAnswers } from './labelled-answers.ts';

const digestOf = (name: string): string => `sha256:${createHash('sha256').update(name).digest('hex')}`;
const documents = ['pump-manual', 'valve-manual', 'safety-2024', 'memo.17'];
const corpus = Object.fromEntries(documents.map((name) => [name, digestOf(name)]));

interface Question {
  readonly answer: string;
  readonly kind?: string;
  readonly citations: readonly [string, ...string[]];
  readonly same: readonly string[];
  readonly others: readonly [string, ...string[]];
  readonly lookAlike: string;
}

/** Each right answer with right, with wrong, and with unknown documents; each wrong one with right documents. */
function labelled({ same, others, lookAlike, ...gold }: Question): LabelledAnswers {
  const { answer, citations } = gold;
  const cited = citations.join(', ');
  const [first] = citations;
  const other = documents.find((name) => !citations.includes(name)) ?? '';
  return {
    gold: JSON.stringify({ ...gold, corpus }),
    prompt: 'What do the documents say, and which?',
    right: [
      ...[answer, ...same].map((text) => `${text} [${cited}]`),
      `${answer} [${citations.toReversed().join('; ')}].`,
      `${answer} ${citations.map((name) => `[${name}]`).join('')}`,
      `${answer} ${citations.map((name) => `[${name}@${digestOf(name)}]`).join(' ')}`,
      `${answer} [${citations.map((name) => `${name}@${digestOf(name).slice(0, 15)}`).join(', ')}]`,
    ],
    partial: [
      answer,
      `${answer} [${other}]`,
      `${answer} [${cited}, ${other}]`,
      `${answer} [${documents.join(', ')}]`,
      `${answer} [${other}@${digestOf(other)}]`,
    ].filter((text) => citations.length < documents.length || !text.includes(documents.join(', '))),
    wrong: [
      ...others.map((text) => `${text} [${cited}]`),
      `${answer} [no-such-document]`,
      `${answer} [${cited}, no-such-document]`,
      `${answer} [${first}@${digestOf('another version')}]`,
      `${answer} [${first}@sha256:]`,
      `${answer} [${first}@sha256:0]`,
      `${answer} [${first.toUpperCase()}]`,
      `${answer} [__proto__]`,
      `${answer} []`,
      `[${cited}]`,
      `[${cited}] ${answer}`,
      `${others[0]} [${documents.join(', ')}]`,
      `${others[0]} [no-such-document]`,
      `${answer} ${`[${first}]`.repeat(60)}`,
    ],
    lookAlike: [`${lookAlike} [${cited}]`, `${answer} [${cited.replaceAll('a', 'а')}]`],
  };
}

export const citedAnswers: readonly LabelledAnswers[] = [
  labelled({
    answer: '42 bar',
    kind: 'quantity',
    citations: ['pump-manual'],
    same: ['4200 kPa', '4.2 MPa'],
    others: ['43 bar', '42', '42 mbar'],
    lookAlike: '4Ƨ bar or 43 bar',
  }),
  labelled({
    answer: 'close the valve',
    citations: ['valve-manual', 'safety-2024'],
    same: ['**close the valve**', '"close the valve"'],
    others: ['open the valve', 'Close valve', 'close the valve or open it'],
    lookAlike: 'clоse the valve',
  }),
  labelled({
    answer: '17',
    kind: 'number',
    citations: ['memo.17', 'pump-manual'],
    same: ['17.0', '\\boxed{17}'],
    others: ['18', '-17', '17 or 18'],
    lookAlike: 'l7',
  }),
  labelled({
    answer: 'B',
    kind: 'choice',
    citations: ['safety-2024', 'pump-manual'],
    same: ['(b)', 'The answer is B'],
    others: ['A', 'A, B', 'B and C'],
    lookAlike: 'В',
  }),
  labelled({
    answer: '2\\sqrt{2}',
    kind: 'math',
    citations: ['valve-manual', 'pump-manual', 'safety-2024'],
    same: ['\\sqrt{8}', '2*sqrt(2)'],
    others: ['2.83', '\\sqrt{2}', '2'],
    lookAlike: 'Ƨ\\sqrt{2}',
  }),
  labelled({
    answer: 'yes',
    citations: ['pump-manual', 'valve-manual', 'memo.17'],
    same: ['yes.', '*yes*'],
    others: ['no', 'yes and no', 'maybe'],
    lookAlike: 'уes',
  }),
];
