import { zip } from '../../algorithms/zip.ts';
import { type Check, labelChecks, type LabelledRow, matrix, type Outcome, type Question } from './checks.ts';

/** A verifier of ours or of one's own. */
export interface Certified {
  judge(questions: readonly Question[]): Promise<readonly Outcome[]>;
  /** The part of each completion that is the answer; nothing where that cannot be told. */
  answersOf(rows: readonly LabelledRow[]): Promise<readonly (string | undefined)[]>;
}

export interface Failure {
  readonly line: number;
  readonly completion: string;
  readonly gold?: string;
  readonly outcome: Outcome;
}

/** What became of one check. */
export interface CheckResult {
  readonly name: string;
  /** What each answer was to be. */
  readonly expects: string;
  readonly asked: number;
  readonly failed: number;
  /** The first ones. */
  readonly failures: readonly Failure[];
  readonly passed: boolean;
}

/** Shares of rows, 0–1. */
export interface Tolerance {
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

const mostShown = 5;

/** Of the rows that are labelled correct so many are changed in all ways. */
const mostChanged = 200;

/**
 * Holds a verifier against labels of people, and against what must hold of every verifier: the same verdict again and in another order, and none of
 * "correct" for a completion whose answer was changed, is another row's or is not there.
 */
export async function certify(
  rows: readonly LabelledRow[],
  verifier: Certified,
  { falsePositives, falseNegatives }: Tolerance,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const labelled = rows.map((row): Question => ({ completion: row.completion, gold: row.gold, row }));
  const outcomes = await verifier.judge(labelled);
  const outcomeOf = new Map(zip(rows, outcomes));
  const allowed: Readonly<Record<string, number>> = {
    'false positives': falsePositives,
    'false negatives': falseNegatives,
  };
  for (const check of labelChecks(rows)) {
    const found = check.questions.map(({ row }) => outcomeOf.get(row) as Outcome);
    results.push(resultOf(check, found, allowed[check.name]));
  }
  const again = await verifier.judge(labelled.toReversed());
  results.push(resultOf(sameAgain(labelled.toReversed(), outcomeOf), again));
  const right = rows.filter((row) => row.label === 'correct' && outcomeOf.get(row) === 'correct').slice(0, mostChanged);
  for (const check of matrix(new Map(zip(right, await verifier.answersOf(right))))) {
    // oxlint-disable-next-line no-await-in-loop -- a process of one's own answers one rollout after the other
    results.push(resultOf(check, await verifier.judge(check.questions)));
  }
  return results;
}

function sameAgain(questions: readonly Question[], outcomeOf: ReadonlyMap<LabelledRow, Outcome>): Check {
  return {
    name: 'another order',
    expects: 'the same verdict again',
    questions,
    allows: (outcome, { row }) => outcome === outcomeOf.get(row),
  };
}

function resultOf(check: Check, outcomes: readonly Outcome[], tolerated = 0): CheckResult {
  const failures = zip(check.questions, outcomes).filter(([question, outcome]) => !check.allows(outcome, question));
  const asked = check.questions.length;
  return {
    name: check.name,
    expects: check.expects,
    asked,
    failed: failures.length,
    failures: failures.slice(0, mostShown).map(([{ row, completion, gold }, outcome]) => ({
      line: row.line,
      completion,
      ...(gold !== undefined && { gold }),
      outcome,
    })),
    passed: failures.length <= tolerated * asked,
  };
}
