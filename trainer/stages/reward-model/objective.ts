import type { Row } from '../../contract/settings/dataset.ts';
import type { Verdict } from '../../data/check-rows.ts';
import type { RowList } from '../../data/lists/row-list.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import type { Reading } from '../policy/reading.ts';

/** What a reward model learns from its rows. */
export interface Objective {
  /** Where the settings name them. */
  readonly field: 'pairs' | 'labelled';
  readonly names: readonly string[];
  /** Whether a row can be learned from. */
  readonly judge: (row: Row) => Verdict;
  /** Called when all rows to learn from were looked at; throws if they are of no use together. */
  readonly require?: () => Promise<void>;
  /** One optimizer step on some rows. */
  readonly step: (rows: readonly Row[], learningRate: number) => Promise<Metrics>;
  /** How well a model does on held-out rows, at least one. */
  readonly measure: (model: Policy, reading: Reading, rows: RowList) => Promise<Measured>;
}

/** What a reward model makes of held-out rows. */
export interface Measured {
  /** Under the names of docs/reference/metrics.md. */
  readonly metrics: Metrics;
  /** By row: of a pair that it prefers the chosen answer, of a labelled completion that it takes it for good. */
  readonly decisions: readonly boolean[];
  /** Of all answers, in the order of the rows. */
  readonly scores: readonly number[];
}

/** Rows that are scored at a time. */
const scoredAtOnce = 256;

/** Some rows after the other, so that not all of them are in memory. */
export function* chunksOf(rows: RowList): Generator<Row[]> {
  for (let start = 0; start < rows.length; start += scoredAtOnce) {
    const count = Math.min(scoredAtOnce, rows.length - start);
    yield Array.from({ length: count }, (_, at) => rows.at(start + at) as Row);
  }
}

/** @param scores at least one */
export function rewardFigures(scores: readonly number[]): Metrics {
  return {
    min_reward: scores.reduce((least, score) => Math.min(least, score), Infinity),
    mean_reward: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    max_reward: scores.reduce((most, score) => Math.max(most, score), -Infinity),
  };
}
