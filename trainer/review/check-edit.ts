import { ownKind, type Row } from '../contract/settings/dataset.ts';
import { gradeReason } from '../data/grading/grade-reason.ts';
import { isVerifiable } from '../rewards/examine.ts';
import type { Verify } from '../rewards/modules/own-verifiers.ts';
import { spellGold } from '../rewards/verify.ts';
import { judgeApart } from '../rewards/apart/verify-apart.ts';
import type { Decision } from './decision.ts';

/** What the verifier says of a text in the place of a row's completion. */
export interface EditCheck {
  /** `none`: the row has no answer that could be compared. */
  readonly outcome: 'correct' | 'wrong' | 'none';
  /** What was found and what was expected, in words. */
  readonly words: string;
}

/** Verifies a new completion of a row as its first one was. @param verify where a dataset has a verifier of its own */
export async function checkEdit(row: Row, completion: string, verify: Verify): Promise<EditCheck> {
  const { answer } = row;
  if (answer === undefined || !isVerifiable(row)) {
    return { outcome: 'none', words: 'nothing to verify: the row has no gold answer' };
  }
  const [verdict] = await verify([{ row, text: completion }]);
  const isCorrect = verdict?.outcome === 'correct';
  if (answer.kind === ownKind) {
    const said = verdict?.unscored?.message;
    const why = said === undefined ? `the verifier of ${row.dataset} gave ${verdict?.score}` : said;
    return { outcome: isCorrect ? 'correct' : 'wrong', words: why };
  }
  const { found, value } = await judgeApart(row, completion);
  const gold = spellGold(answer);
  const words = gradeReason({
    kind: answer.kind,
    in: answer.in,
    completion,
    ...(found !== undefined && { found }),
    ...(value !== undefined && { value }),
    ...(gold !== undefined && { gold }),
  });
  return { outcome: isCorrect ? 'correct' : 'wrong', words };
}

/** Why a decision cannot be taken as it is, in words; undefined where it can. */
export async function problemOf(row: Row, made: Decision, verify: Verify): Promise<string | undefined> {
  const { completion = row.completion } = made;
  if (made.decision !== 'edit') {
    return made.decision === 'accept' && completion !== row.completion
      ? 'the completion is another one, and the decision is accept; expected edit'
      : undefined;
  }
  if (made.completion === undefined) return 'an edit needs a completion';
  if (made.completion.trim() === '') return 'the edit is empty; expected a completion, or the decision reject';
  if (made.completion === row.completion) return 'the edit changes nothing; expected the decision accept';
  const { outcome, words } = await checkEdit(row, made.completion, verify);
  return outcome === 'wrong' ? `the edit breaks the answer: ${words}` : undefined;
}
