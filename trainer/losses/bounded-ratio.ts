import { type Value, scalar } from '../graph/value.ts';
import { smallestProbability } from '../nn/token-probability.ts';
import { divide, maximum, minimum } from '../ops/elementwise.ts';

/** Log-ratios beyond ±20 count as that, and have no gradient, as in verl's `core_algos` (PPO loss and `low_var_kl`). */
const [leastRatio, greatestRatio] = [Math.exp(-20), Math.exp(20)];

/** π ÷ π_old, or π_ref ÷ π, within e⁻²⁰ … e²⁰. */
export const boundedRatio = {
  graph: (prob: Value, other: Value): Value =>
    minimum(
      maximum(divide(prob, maximum(other, scalar(smallestProbability))), scalar(leastRatio)),
      scalar(greatestRatio),
    ),
  number: (prob: number, other: number): number =>
    Math.min(Math.max(prob / Math.max(other, smallestProbability), leastRatio), greatestRatio),
};

/** The logarithm of a probability, finite where it underflowed. */
export function boundedLog(prob: number | undefined): number {
  return Math.log(Math.max(prob ?? NaN, smallestProbability));
}
