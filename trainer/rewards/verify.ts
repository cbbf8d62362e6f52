import type { Row } from '../contract/dataset.ts';
import { parseResponse } from './parse-response.ts';
import { exactVerifier } from './verifiers/exact.ts';
import { listVerifier } from './verifiers/list.ts';
import { numberVerifier } from './verifiers/number.ts';
import { patternVerifier } from './verifiers/pattern.ts';
import { abstain, wrong, type Verdict, type Verifier } from './verifiers/verifier.ts';

type Answer = NonNullable<Row['answer']>;

const verifiers: Record<Answer['kind'], Verifier> = {
  number: numberVerifier,
  exact: exactVerifier,
  list: listVerifier,
  pattern: patternVerifier,
};

/**
 * Compares a completion with the row's gold answer. A completion without a readable answer is wrong; a row without a
 * readable gold answer abstains, and never scores.
 */
export function verify(row: Row, text: string): Verdict {
  if (row.answer === undefined) return abstain;
  const gold = goldOf(row.answer);
  if (gold === undefined) return abstain;
  const answer = findAnswer(row.answer, text);
  return answer === undefined || answer === '' ? wrong : verifiers[row.answer.kind].grade(gold, answer, row.language);
}

/** Parsed gold answers; each is compared with a whole group of completions, step after step. */
const parsed = new WeakMap<Answer, { readonly gold: unknown }>();

function goldOf(answer: Answer): unknown {
  const known = parsed.get(answer) ?? { gold: verifiers[answer.kind].parseGold(answer.gold) };
  parsed.set(answer, known);
  return known.gold;
}

/** The completion's answer in a spelling that equal answers share, for majority votes. */
export function canonicalAnswer(row: Row, text: string): string | undefined {
  const answer = row.answer && findAnswer(row.answer, text);
  return answer && row.answer && verifiers[row.answer.kind].canonical(answer, row.language);
}

function findAnswer(answer: Answer, text: string): string | undefined {
  const response = parseResponse(text);
  if (answer.in === 'answerTag') return response.answer;
  const verifier = verifiers[answer.kind];
  return verifier.find === undefined ? response.summary : verifier.find(response.summary);
}

/** What is wrong with a gold answer, as a clause without a subject; `undefined` if nothing is. */
export function goldProblem(answer: Answer): string | undefined {
  if (goldOf(answer) !== undefined) return undefined;
  const { expects } = verifiers[answer.kind];
  return `answer ${JSON.stringify(answer.gold.slice(0, 100))} cannot be parsed; expected ${expects}`;
}
