import type { Value } from '../graph/value.ts';
import { multiply, negate } from '../ops/elementwise.ts';
import { sum } from '../ops/reduction.ts';

/** `−Σ weight · log p`, shape `[]`. A weight of 0 leaves a position out. */
export function crossEntropy(logProb: Value, weight: Value): Value {
  return negate(sum(multiply(weight, logProb)));
}
