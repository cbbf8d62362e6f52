import type { Candidate } from '../../algorithms/funnel.ts';
import type { Metrics } from '../workspace/metrics.ts';

/** What the best of n are worth to a reward model, beside all n: the point of sampling many. */
export class BestOfFigures {
  readonly #all = { sum: 0, count: 0 };
  readonly #kept = { sum: 0, count: 0 };

  /** Of one prompt. */
  add(candidates: readonly Candidate[], kept: readonly Candidate[]): void {
    addScores(this.#all, candidates);
    addScores(this.#kept, kept);
  }

  /** Nothing where no reward model has scored. */
  metrics(): Metrics {
    if (this.#all.count === 0 || this.#kept.count === 0) return {};
    return {
      'reward_model/mean': this.#all.sum / this.#all.count,
      'reward_model/kept_mean': this.#kept.sum / this.#kept.count,
    };
  }
}

function addScores(to: { sum: number; count: number }, candidates: readonly Candidate[]): void {
  for (const { rewardModel } of candidates) {
    if (rewardModel === undefined) continue;
    to.sum += rewardModel;
    to.count++;
  }
}
