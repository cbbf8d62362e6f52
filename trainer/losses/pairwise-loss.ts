import { dimension } from '../graph/shape.ts';
import { type Value, constant } from '../graph/value.ts';
import { softplus } from '../ops/activation.ts';
import { multiply } from '../ops/elementwise.ts';
import { reshape } from '../ops/movement.ts';
import { reduceSum, sum } from '../ops/reduction.ts';

/**
 * Bradley–Terry loss of preference pairs, `−Σ weight · log σ(s_chosen − s_rejected)`, shape `[]`.
 * Source: Ouyang et al., arXiv:2203.02155, eq. 1.
 *
 * @param scores `[2 · pairs]`: chosen at even places, the rejected one behind it
 * @param weight `[pairs]`
 */
export function pairwiseLoss(scores: Value, weight: Value): Value {
  const pairs = dimension(weight.shape, 0);
  const rejectedMinusChosen = constant(Float32Array.of(-1, 1), [1, 2]);
  const difference = reduceSum(multiply(reshape(scores, [pairs, 2]), rejectedMinusChosen), [1]);
  return sum(multiply(weight, softplus(reshape(difference, [pairs])))); // −log σ(a) = softplus(−a)
}
