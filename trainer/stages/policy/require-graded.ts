import { UserError } from '../../contract/process/errors.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { ScoredCompletion } from '../../rewards/create-rewards.ts';

/**
 * Refuses a rollout in which no completion has a reward: its updates would change nothing, step after step.
 *
 * @param step the first that would learn from it, counted from 1
 * @throws UserError with the reward that has no score, and why
 */
export function requireGraded(
  step: number,
  completions: readonly (Pick<ScoredCompletion, 'reward' | 'scores' | 'unscored'> & { readonly row: Row })[],
): void {
  const [first] = completions;
  if (first === undefined || completions.some(({ reward }) => reward !== undefined)) return;
  const silent = Object.keys(first.scores).filter((name) => first.scores[name] === undefined);
  const [failed] = silent.flatMap((name) => first.unscored?.[name] ?? []);
  if (failed !== undefined) {
    throw new UserError(
      `step ${step}: none of ${completions.length} completions could be graded: ` +
        `the reward ${silent.join(', ')} has no score, first on row ${first.row.id}: ${failed.because}: ${failed.message}`,
    );
  }
  throw new UserError(
    `step ${step}: none of ${completions.length} completions could be graded: ` +
      `the reward ${silent.join(', ')} abstained, first on row ${first.row.id}, ${causeOf(first.row)}`,
  );
}

function causeOf({ answer, dataset }: Row): string {
  if (answer === undefined) return `which has no gold answer; expected rows of ${dataset} with one`;
  return `whose gold answer is ${JSON.stringify(answer.gold)} of the kind ${answer.kind}`;
}
