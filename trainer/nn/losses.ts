import { dimension, fixed } from '../graph/shape.ts';
import { type Value, constant, scalar } from '../graph/value.ts';
import { softplus } from '../ops/activation.ts';
import { add, divide, equal, log, maximum, minimum, multiply, negate, subtract, where } from '../ops/elementwise.ts';
import { reshape } from '../ops/movement.ts';
import { reduceSum, sum } from '../ops/reduction.ts';

/** `−Σ weight · log p`, shape `[]`. A weight of 0 leaves a position out. */
export function crossEntropy(logProb: Value, weight: Value): Value {
  return negate(sum(multiply(weight, logProb)));
}

/** What the policy loss needs of every position, `[n]` each, and its settings, `[1]` each. */
export interface PolicyTerms {
  /** Mask ÷ normaliser; 0 leaves a position out, whatever its other numbers are. */
  readonly weight: Value;
  readonly advantage: Value;
  /** Probability under the policy that sampled the token. */
  readonly oldProb: Value;
  /** Probability under the reference policy. */
  readonly refProb: Value;
  /** 1 − ε_low */
  readonly ratioLow: Value;
  /** 1 + ε_high */
  readonly ratioHigh: Value;
  readonly klCoefficient: Value;
}

/**
 * Clipped policy loss with a KL penalty, shape `[]`:
 *
 *   Σ weight · (−min(ratio·A, clip(ratio, low, high)·A) + β·k3)     ratio = p ÷ p_old,  k3 = r − log r − 1,  r = p_ref ÷ p
 *
 * The ratio is a quotient of probabilities, not the exponential of a difference: equal bits give exactly 1.
 * Source: DeepSeekMath, arXiv:2402.03300, eq. 3 and 4; k3: Schulman, "Approximating KL divergence", 2020.
 *
 * @param prob p, `[n]`
 */
export function policyLoss(prob: Value, terms: PolicyTerms): Value {
  const { weight, advantage } = terms;
  const leftOut = equal(weight, scalar(0));
  // A left-out position counts as probability 1, so that padding can bring no 0 ÷ 0 into the sum.
  const trained = (value: Value): Value => where(leftOut, scalar(1), value);
  const p = trained(prob);

  const ratio = divide(p, trained(terms.oldProb));
  const clipped = minimum(maximum(ratio, terms.ratioLow), terms.ratioHigh);
  const surrogate = minimum(multiply(ratio, advantage), multiply(clipped, advantage));

  const toReference = divide(trained(terms.refProb), p);
  const k3 = subtract(subtract(toReference, log(toReference)), scalar(1));
  return sum(multiply(weight, add(negate(surrogate), multiply(k3, terms.klCoefficient))));
}

/**
 * Bradley–Terry loss of preference pairs, `−Σ weight · log σ(s_chosen − s_rejected)`, shape `[]`.
 * Source: Ouyang et al., arXiv:2203.02155, eq. 1.
 *
 * @param scores `[2 · pairs]`: chosen at even places, the rejected one behind it
 * @param weight `[pairs]`
 */
export function pairwiseLoss(scores: Value, weight: Value): Value {
  const pairs = fixed(dimension(weight.shape, 0));
  const rejectedMinusChosen = constant(Float32Array.of(-1, 1), [1, 2]);
  const difference = reduceSum(multiply(reshape(scores, [pairs, 2]), rejectedMinusChosen), [1]);
  return sum(multiply(weight, softplus(reshape(difference, [pairs])))); // −log σ(a) = softplus(−a)
}
