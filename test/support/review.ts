import type { Row } from '../../trainer/contract/settings/dataset.ts';
import { ReviewSession } from '../../trainer/review/review-session.ts';
import { OwnVerifiers } from '../../trainer/rewards/modules/own-verifiers.ts';

/** A sampled row with a checkable answer. */
export function sum(a: number, b: number): Row {
  return {
    id: `sums/${a}+${b}`,
    dataset: 'sums',
    domain: 'reasoning',
    language: 'en',
    messages: [{ role: 'user', content: `${a}+${b}=` }],
    completion: `<think>${a} plus ${b}</think><answer>${a + b}</answer>`,
    answer: { kind: 'number', in: 'answerTag', gold: String(a + b) },
  };
}

/** A review of rows, three sums where none are given, whose decisions are kept in a directory. */
export function openSums(
  out: string,
  { secondReader = 0, rows = [sum(1, 2), sum(2, 3), sum(3, 4)] }: { secondReader?: number; rows?: readonly Row[] } = {},
): ReviewSession {
  const { verify } = new OwnVerifiers([]);
  return new ReviewSession({ pipeline: 'sums', stage: 'review', rows, out, secondReader, seed: 1, verify });
}
