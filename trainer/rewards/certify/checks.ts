import { mutations } from './mutate-answer.ts';

/** What a verifier says of a completion, or why it says nothing. */
export type Outcome = 'correct' | 'partial' | 'wrong' | 'abstain' | 'timeout' | 'error';

/** What a verifier is asked. */
export interface Question {
  readonly completion: string;
  /** Absent: a row without a gold answer. */
  readonly gold?: string;
  /** The row that it is made from. */
  readonly row: LabelledRow;
}

/** A completion of which a person has said what it is. */
export interface LabelledRow {
  /** Line or row of its file, counted from 1. */
  readonly line: number;
  readonly completion: string;
  readonly gold: string;
  readonly label: 'correct' | 'partial' | 'wrong';
}

/** A verifier must say something that is allowed of every question. */
export interface Check {
  readonly name: string;
  /** For messages: what no answer may be. */
  readonly expects: string;
  readonly questions: readonly Question[];
  allows(outcome: Outcome, question: Question): boolean;
}

const notRight = 'not correct';
const isNotRight = (outcome: Outcome): boolean => outcome !== 'correct';

/** What the labels say. */
export function labelChecks(rows: readonly LabelledRow[]): Check[] {
  const questions = rows.map((row) => ({ completion: row.completion, gold: row.gold, row }));
  const not = (label: LabelledRow['label']) => questions.filter(({ row }) => row.label !== label);
  return [
    {
      name: 'false positives',
      expects: 'no better than its label',
      questions: not('correct'),
      allows: (outcome, { row }) => isNotRight(outcome) && (outcome !== 'partial' || row.label === 'partial'),
    },
    {
      name: 'false negatives',
      expects: 'no worse than its label',
      questions: not('wrong'),
      allows: (outcome, { row }) => outcome !== 'wrong' && (outcome !== 'partial' || row.label === 'partial'),
    },
    {
      name: 'no verdict',
      expects: 'a verdict',
      questions,
      allows: (outcome) => ['correct', 'partial', 'wrong'].includes(outcome),
    },
  ];
}

/**
 * What must hold of a verifier whatever it compares, asked of completions that it takes for right.
 *
 * @param answers rows that are labelled correct and judged so, with the part of the completion that is the answer; nothing where that cannot be told
 */
export function matrix(answers: ReadonlyMap<LabelledRow, string | undefined>): Check[] {
  const rows = [...answers.keys()];
  const [first] = rows;
  const withText = (completion: string) => rows.map((row) => ({ completion, gold: row.gold, row }));
  return [
    {
      name: 'changed answers',
      expects: notRight,
      questions: rows.flatMap((row) => changed(row, answers.get(row))),
      allows: isNotRight,
    },
    { name: "other rows' answers", expects: notRight, questions: rows.flatMap(otherAnswer), allows: isNotRight },
    { name: 'empty completions', expects: notRight, questions: withText(''), allows: isNotRight },
    {
      name: 'unfinished thoughts',
      expects: notRight,
      questions: rows.flatMap((row) => {
        const thought = /^<think>[^]*?(?=<\/think>)/.exec(row.completion);
        return thought === null ? [] : [{ completion: thought[0], gold: row.gold, row }];
      }),
      allows: isNotRight,
    },
    {
      name: 'missing gold answers',
      expects: notRight,
      questions: rows.map((row) => ({ completion: row.completion, row })),
      allows: isNotRight,
    },
    {
      name: 'white space at the end',
      expects: 'correct',
      questions: rows.map((row) => ({ completion: `${row.completion}\n`, gold: row.gold, row })),
      allows: (outcome) => outcome === 'correct',
    },
    {
      name: 'hostile completions',
      expects: 'neither correct, nor an error or a timeout',
      questions: first === undefined ? [] : hostile.map((completion) => ({ completion, gold: first.gold, row: first })),
      allows: (outcome) => isNotRight(outcome) && outcome !== 'error' && outcome !== 'timeout',
    },
  ];
}

/** What breaks parsers: nesting, length, and characters that are none. */
const hostile = [
  '('.repeat(20_000),
  '9'.repeat(20_000),
  '\\frac{'.repeat(5000),
  '^'.repeat(5000),
  '\u0000',
  '\ud800',
].flatMap((text) => [text, `<think></think><answer>${text}</answer>`, `\\boxed{${text}}`]);

function changed(row: LabelledRow, answer: string | undefined): Question[] {
  const at = answer === undefined || answer === '' ? -1 : row.completion.lastIndexOf(answer);
  if (answer === undefined || at < 0) return [];
  const [before, after] = [row.completion.slice(0, at), row.completion.slice(at + answer.length)];
  return mutations(answer).map((other) => ({ completion: before + other + after, gold: row.gold, row }));
}

/** The completion of the next row whose gold answer is another. */
function otherAnswer(row: LabelledRow, index: number, rows: readonly LabelledRow[]): Question[] {
  const following = [...rows.slice(index + 1), ...rows.slice(0, index)];
  const other = following.find(({ gold }) => plain(gold) !== plain(row.gold));
  return other === undefined ? [] : [{ completion: other.completion, gold: row.gold, row }];
}

/** Two spellings of one answer are mostly alike in it. */
function plain(gold: string): string {
  const number = Number(gold);
  return gold.trim() !== '' && Number.isFinite(number)
    ? String(number)
    : gold.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
