import type { Row } from '../contract/settings/dataset.ts';
import { parseResponse } from './responses/parse-response.ts';
import { choiceVerifier } from './verifiers/choice.ts';
import { citedVerifier } from './verifiers/cited.ts';
import { codeVerifier } from './verifiers/code.ts';
import { exactVerifier } from './verifiers/exact.ts';
import { gradedVerifier } from './verifiers/graded.ts';
import { jsonSchemaVerifier } from './verifiers/json-schema.ts';
import { listVerifier } from './verifiers/list.ts';
import { logicVerifier } from './verifiers/logic.ts';
import { mathVerifier } from './verifiers/math.ts';
import { numberVerifier } from './verifiers/number.ts';
import { ownVerifier } from './verifiers/own.ts';
import { patternVerifier } from './verifiers/pattern.ts';
import { quantityVerifier } from './verifiers/quantity.ts';
import { toolCallVerifier } from './verifiers/tool-call.ts';
import { abstain, wrong, type Verdict, type Verifier } from './verifiers/verifier.ts';

type Answer = NonNullable<Row['answer']>;

/** Those that compare short answers, with documents or without. */
const plainVerifiers = {
  number: numberVerifier,
  math: mathVerifier,
  quantity: quantityVerifier,
  choice: choiceVerifier,
  exact: exactVerifier,
  list: listVerifier,
} satisfies Partial<Record<Answer['kind'], Verifier>>;

const verifiers: Record<Answer['kind'], Verifier> = {
  ...plainVerifiers,
  logic: logicVerifier,
  graded: gradedVerifier,
  pattern: patternVerifier,
  code: codeVerifier,
  jsonSchema: jsonSchemaVerifier,
  toolCall: toolCallVerifier,
  cited: citedVerifier(plainVerifiers),
  own: ownVerifier,
};

/** A verdict, and what led to it. */
export interface Judgement {
  readonly verdict: Verdict;
  /** The part of the completion that was taken for the answer; absent where there is none. */
  readonly found?: string;
  /** What it was read as, in a spelling that equal answers share; absent if it is no answer of the kind. Votes count it. */
  readonly value?: string;
}

/** What a row needs to have for its completions to be judged. */
export type Judged = Pick<Row, 'answer' | 'language'>;

/**
 * Compares a completion with the row's gold answer, in this thread. It runs nothing, so that it abstains where a program or a file of one's own is to tell;
 * `verifyApart` runs programs, and reads formulas where they can be ended. A completion without a readable answer is wrong; a row without a
 * readable gold answer abstains, and never scores.
 */
export function verify(row: Judged, text: string): Verdict {
  return examineAnswer(row, text)?.verdict ?? abstain;
}

/** `verify` with its reasons. */
export function judge(row: Judged, text: string): Judgement {
  const examined = examineAnswer(row, text);
  return examined ? judgementOf(examined) : { verdict: abstain };
}

/** What of it is for people. */
export function judgementOf({ verdict, found, value, verifier }: Examined): Judgement {
  return {
    verdict,
    ...(found !== undefined && { found }),
    ...(value !== undefined && { value: verifier.spell(value) }),
  };
}

export interface Examined {
  readonly verifier: Verifier;
  readonly gold: unknown;
  readonly verdict: Verdict;
  readonly found: string | undefined;
  readonly value?: unknown;
}

/** What was read of a completion and of its gold answer, and what follows from them; nothing where the row has none that can be read. */
export function examineAnswer({ answer, language }: Judged, text: string): Examined | undefined {
  const gold = answer && goldOf(answer);
  if (answer === undefined || gold === undefined) return undefined;
  const verifier = verifiers[answer.kind];
  const found = findAnswer(answer, text);
  const value = found === undefined || found === '' ? undefined : verifier.read(found, language, gold);
  return { verifier, verdict: value === undefined ? wrong : verifier.grade(gold, value), gold, found, value };
}

/** Parsed gold answers; each is compared with a whole group of completions, step after step. */
const parsed = new WeakMap<Answer, { readonly gold: unknown }>();

function goldOf(answer: Answer): unknown {
  const known = parsed.get(answer) ?? { gold: verifiers[answer.kind].parseGold(answer.gold) };
  parsed.set(answer, known);
  return known.gold;
}

function findAnswer(answer: Answer, text: string): string | undefined {
  const response = parseResponse(text);
  if (answer.in === 'answerTag') return response.answer;
  const verifier = verifiers[answer.kind];
  return verifier.find === undefined ? response.summary : verifier.find(response.summary);
}

/** A gold answer as it was read, for people; `undefined` if it cannot be. */
export function spellGold(answer: Answer): string | undefined {
  const gold = goldOf(answer);
  return gold === undefined ? undefined : verifiers[answer.kind].spellGold(gold);
}

/** What is wrong with a gold answer, as a clause without a subject; `undefined` if nothing is. */
export function goldProblem(answer: Answer): string | undefined {
  if (goldOf(answer) !== undefined) return undefined;
  const { expects } = verifiers[answer.kind];
  return `answer ${JSON.stringify(answer.gold.slice(0, 100))} cannot be parsed; expected ${expects}`;
}
