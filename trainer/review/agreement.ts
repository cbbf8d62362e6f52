import { cohensKappa, observedAgreement } from '../algorithms/cohens-kappa.ts';
import type { Choice, Decision } from './decision.ts';
import type { Standing } from './standing.ts';

/** How far two people agree on the rows that both have read. */
export interface PairAgreement {
  readonly reviewers: readonly [string, string];
  readonly rows: number;
  /** Share of the rows on which they chose the same, 0 … 1. */
  readonly agreement: number;
  /** −1 … 1; absent where both chose the same on every row, which tells nothing beyond chance. */
  readonly kappa?: number;
}

/** Of all pairs of people together: their means, weighted by their rows. */
export interface Agreement {
  readonly agreement?: number;
  readonly kappa?: number;
  readonly pairs: readonly PairAgreement[];
}

/** Agreement of those who have read the same rows, by what each chose before they knew what the other had chosen. */
export function agreementOf(all: readonly Standing[]): Agreement {
  const read = all.flatMap(({ independent }) => (independent ? [independent.toSorted(byReviewer)] : []));
  const byPair = Map.groupBy(read, (both) => JSON.stringify(both.map(({ reviewer }) => reviewer)));
  const pairs = [...byPair].map(([names, both]): PairAgreement => {
    const reviewers = JSON.parse(names) as [string, string];
    const chosen = both.map(([a, b]): [Choice, Choice] => [a!.decision, b!.decision]);
    const kappa = cohensKappa(chosen);
    return {
      reviewers,
      rows: both.length,
      agreement: observedAgreement(chosen),
      ...(kappa !== undefined && { kappa }),
    };
  });
  const agreement = weightedMean(pairs.map(({ rows, agreement: value }) => [value, rows]));
  const kappa = weightedMean(pairs.flatMap(({ rows, kappa: value }) => (value === undefined ? [] : [[value, rows]])));
  return {
    ...(agreement !== undefined && { agreement }),
    ...(kappa !== undefined && { kappa }),
    pairs: pairs.toSorted((a, b) => b.rows - a.rows),
  };
}

function weightedMean(values: readonly (readonly number[])[]): number | undefined {
  const weight = values.reduce((sum, [, rows = 0]) => sum + rows, 0);
  if (weight === 0) return undefined;
  return values.reduce((sum, [value = 0, rows = 0]) => sum + value * rows, 0) / weight;
}

function byReviewer(a: Decision, b: Decision): number {
  return a.reviewer < b.reviewer ? -1 : 1;
}
