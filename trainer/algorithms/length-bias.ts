import { mean } from './statistics.ts';

/** A pair whose answers were scored; lengths in tokens. */
export interface ScoredPair {
  readonly lengths: readonly [chosen: number, rejected: number];
  readonly scores: readonly [chosen: number, rejected: number];
}

/**
 * How often length and quality go together, of pairs whose answers differ in length: as the pairs have it, and as the scores do. A model that
 * scores the longer answer higher more often than the longer one was chosen has learnt length.
 *
 * @returns nothing where all answers are as long as each other
 */
export function lengthBias(
  pairs: readonly ScoredPair[],
): { readonly longerChosen: number; readonly longerPreferred: number } | undefined {
  const differing = pairs.filter(({ lengths: [chosen, rejected] }) => chosen !== rejected);
  if (differing.length === 0) return undefined;
  const longerChosen = differing.map(({ lengths: [chosen, rejected] }) => Number(chosen > rejected));
  const longerPreferred = differing.map(({ lengths, scores }) => {
    const difference = (scores[0] - scores[1]) * Math.sign(lengths[0] - lengths[1]);
    return (1 + Math.sign(difference)) / 2; // equal scores prefer neither
  });
  return { longerChosen: mean(longerChosen), longerPreferred: mean(longerPreferred) };
}
