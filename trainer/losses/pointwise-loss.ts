import type { Value } from '../graph/value.ts';
import { softplus } from '../ops/activation.ts';
import { multiply } from '../ops/elementwise.ts';
import { sum } from '../ops/reduction.ts';

/**
 * Binary cross-entropy of responses that are labelled good or bad, whose score is the logit of good:
 * `−Σ weight · log σ(s)` of a good one and `−Σ weight · log σ(−s)` of a bad one, shape `[]`.
 * Source: BCEWithLogitsLoss of PyTorch, as transformers has it for a sequence classifier of one label.
 *
 * @param scores `[responses]`
 * @param against `[responses]`: −1 of a good one, 1 of a bad one
 * @param weight `[responses]`
 */
export function pointwiseLoss(
  scores: Value,
  { against, weight }: Readonly<Record<'against' | 'weight', Value>>,
): Value {
  return sum(multiply(weight, softplus(multiply(scores, against)))); // −log σ(a) = softplus(−a)
}
