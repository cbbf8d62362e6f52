import { dimension } from '../graph/shape.ts';
import { type Value, constant } from '../graph/value.ts';
import { softplus } from '../ops/activation.ts';
import { add, multiply } from '../ops/elementwise.ts';
import { reshape } from '../ops/movement.ts';
import { reduceSum, sum } from '../ops/reduction.ts';

export interface PairwiseInputs {
  /** `[pairs]`, of each pair in the loss */
  readonly weight: Value;
  /** `[pairs]`, by how much the chosen one should score higher */
  readonly margin: Value;
  /** `[1]`, how strongly scores are drawn to a mean of 0 */
  readonly centering: Value;
}

/**
 * Bradley–Terry loss of preference pairs, shape `[]`:
 *
 *   Σ weight · (−log σ(s_chosen − s_rejected − margin) + centering · (s_chosen + s_rejected)²)
 *
 * Source: Ouyang et al., arXiv:2203.02155, eq. 1; the margin of Touvron et al., arXiv:2307.09288, eq. 2; centring as
 * `center_rewards_coefficient` of TRL's RewardTrainer, Eisenstein et al., arXiv:2312.09244, eq. 2.
 *
 * @param scores `[2 · pairs]`: chosen at even places, the rejected one behind it
 */
export function pairwiseLoss(scores: Value, { weight, margin, centering }: PairwiseInputs): Value {
  const pairs = dimension(weight.shape, 0);
  const ofPairs = reshape(scores, [pairs, 2]);
  const rejectedMinusChosen = constant(Float32Array.of(-1, 1), [1, 2]);
  const difference = reshape(reduceSum(multiply(ofPairs, rejectedMinusChosen), [1]), [pairs]);
  const both = reshape(reduceSum(ofPairs, [1]), [pairs]);
  const ofPair = add(softplus(add(difference, margin)), multiply(centering, multiply(both, both))); // −log σ(a) = softplus(−a)
  return sum(multiply(weight, ofPair));
}
