import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/settings/dataset.ts';
import type { Score } from './score.ts';

/**
 * Prompts to which a reward of one's own does not apply: it abstained on every completion, as TRL's functions for several tasks give `None` for prompts of another one. Who
 * abstains on some of them alone cannot tell what these are worth.
 *
 * @returns ids of rows
 */
export function otherTasks(rows: readonly Row[], scores: readonly (Score | undefined)[]): ReadonlySet<string> {
  const asked = zip(rows, scores);
  const own = new Set(asked.filter(([, score]) => !isAbstention(score)).map(([{ id }]) => id));
  return new Set(rows.map(({ id }) => id).filter((id) => !own.has(id)));
}

function isAbstention(score: Score | undefined): boolean {
  return typeof score === 'object' && score.because === 'abstain';
}
