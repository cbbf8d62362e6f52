import { dimension } from '../graph/shape.ts';
import { type Value, composite, kernel, scalar } from '../graph/value.ts';
import { add, log, maximum, multiply, negate } from '../ops/elementwise.ts';
import { gatherRows, pickColumns } from '../ops/indexing.ts';
import { linear, linearInputGradient, linearWeightGradient } from '../ops/linalg.ts';
import { cast, reshape } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';
import { reduceMax, reduceSum } from '../ops/reduction.ts';

/** Keeps the logarithm of a probability that underflowed finite. The smallest normal float32 is 1.2e-38. */
export const smallestProbability = 1.2e-38;

/** Next-token distribution, `[n, V]`, from hidden states `[n, d]` and the head's table `[V, d]`. */
export function distribution(hidden: Value, table: Value): Value {
  const logits = linear(hidden, table);
  return kernel('Distribution', [logits], [softmax(logits)])[0] as Value;
}

/** Entropy of the next token's distribution, `[n]`, in nats. */
export function entropy(hidden: Value, table: Value): Value {
  const p = softmax(linear(hidden, table));
  const surprise = multiply(p, log(maximum(p, scalar(smallestProbability))));
  return negate(reshape(reduceSum(surprise, [1]), [dimension(hidden.shape, 0)]));
}

/** Rows of the table in float32, `[n, d]`. */
export function tableRows(table: Value, rows: Value): Value {
  const gathered = gatherRows(table, rows);
  return table.type === 'float32' ? gathered : cast(gathered, 'float32');
}

/** Of each target, `[n]`. */
export interface TokenProbability {
  readonly prob: Value;
  readonly logProb: Value;
  /** The largest probability of any token at this place. */
  readonly top: Value;
}

/**
 * Probability of each target token, its logarithm, and the largest probability of the row, `[n]` each. The last has no
 * gradient.
 *
 * One softmax serves all three and the gradient: with P = softmax(H·Eᵀ), p the target's probability, t its row of E and
 * c = g_p·p + g_log, the cotangent of the logits is c·(onehot − P), and its one-hot part is applied to rows, so that no
 * second matrix of `[n, V]` is made:
 *
 *   dH = c·(E[t] − P·E)      dE = scatter(t, c·H) − Pᵀ·(c·H)
 *
 * @param hidden H, `[n, d]`
 * @param table E, `[V, d]`
 * @param targets `[n]` int64
 * @param rows E[t], `[n, d]`: the scattered part is its gradient
 */
export function tokenProbability(
  hidden: Value,
  table: Value,
  targets: Value,
  rows: Value = tableRows(table, targets),
): TokenProbability {
  const tokens = dimension(hidden.shape, 0);
  const logits = linear(hidden, table);
  const all = softmax(logits);
  const [p, target] = kernel('TokenProbability', [logits, targets], [all, pickColumns(all, targets)]) as [Value, Value];
  // Not in the kernel: what nobody asks for is not computed.
  const outputs = [target, log(maximum(target, scalar(smallestProbability))), reshape(reduceMax(p), [tokens])];
  const [prob, logProb, top] = composite('TokenProbability', [hidden, table, rows], outputs, (gProb, gLog) => {
    const viaProb = gProb && multiply(gProb, target);
    const both = viaProb && gLog ? add(viaProb, gLog) : (viaProb ?? gLog);
    if (both === undefined) return [];
    const c = reshape(both, [tokens, 1]);
    const minus = negate(c); // on the smaller factor: P has [n, V]
    return [
      multiply(linearInputGradient(p, table, negate(rows)), minus),
      { onto: (sum) => linearWeightGradient(p, multiply(hidden, minus), { type: table.type, c: sum }) },
      multiply(hidden, c),
    ];
  }) as [Value, Value, Value];
  return { prob, logProb, top };
}
