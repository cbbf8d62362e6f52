import { gradeReason, quoted } from '../trainer/data/grading/grade-reason.ts';
import type { Grade } from '../trainer/data/grading/grade-rows.ts';
import type { ScoredRow } from '../trainer/data/grading/score-rows.ts';

/** One line: `3  wrong    found 17 in "…so it is 17.", gold 18`. */
export function explainGrade(grade: Grade): string {
  const { line, outcome, expect } = grade;
  const surprise = expect === undefined || expect === outcome ? '' : `; expected ${expect}`;
  return `${String(line).padStart(4)}  ${outcome.padEnd(7)}  ${gradeReason(grade)}${surprise}`;
}

/** One line: `3  0.5      "…so it is 17."`, or `4  abstain  it gave null: "…"`. */
export function explainScore({ line, score, because, message, completion, expect }: ScoredRow): string {
  const surprise = expect === undefined || expect === score ? '' : `; expected ${expect ?? 'no score'}`;
  const result = score === null ? (because ?? '') : String(score);
  const why = message === undefined ? '' : `${message}: `;
  return `${String(line).padStart(4)}  ${result.padEnd(7)}  ${why}${quoted(completion.trim(), 'end')}${surprise}`;
}
