import { type Value, scalar } from '../graph/value.ts';
import { log, minimum, multiply, negate, subtract } from '../ops/elementwise.ts';
import { boundedRatio } from './bounded-ratio.ts';

interface KlEstimate {
  readonly graph: (prob: Value, refProb: Value) => Value;
  readonly number: (prob: number, refProb: number) => number;
}

/** `−log r`: unbiased, of either sign. */
const k1: KlEstimate = {
  graph: (prob, refProb) => negate(log(boundedRatio.graph(refProb, prob))),
  number: (prob, refProb) => -Math.log(boundedRatio.number(refProb, prob)),
};

/** `½ (log r)²`: never negative; its gradient on the policy that sampled is that of the KL. */
const k2: KlEstimate = {
  graph(prob, refProb) {
    const logRatio = log(boundedRatio.graph(refProb, prob));
    return multiply(multiply(logRatio, logRatio), scalar(0.5));
  },
  number: (prob, refProb) => Math.log(boundedRatio.number(refProb, prob)) ** 2 / 2,
};

/** k3 above 10 counts as that, and has no gradient, as in verl's `low_var_kl`. */
const greatestK3 = 10;

/** `r − log r − 1`: never negative, 0 where the two agree. */
const k3: KlEstimate = {
  graph(prob, refProb) {
    const ratio = boundedRatio.graph(refProb, prob);
    return minimum(subtract(subtract(ratio, log(ratio)), scalar(1)), scalar(greatestK3));
  },
  number(prob, refProb) {
    const ratio = boundedRatio.number(refProb, prob);
    return Math.min(ratio - Math.log(ratio) - 1, greatestK3);
  },
};

/**
 * Estimates of KL(π ‖ π_ref) at one token that π sampled, r = π_ref/π.
 * Source: Schulman, "Approximating KL divergence", 2020.
 */
export const klEstimates = { k1, k2, k3 } as const;
export type KlEstimator = keyof typeof klEstimates;
