import { dimension, fixed } from '../graph/shape.ts';
import { type AddOnto, type Value, kernel, scalar } from '../graph/value.ts';
import { negate } from '../ops/elementwise.ts';
import { reshape } from '../ops/movement.ts';
import { rmsNormGradient, simplifiedLayerNormalization } from '../ops/normalization.ts';
import { rotaryEmbedding } from '../ops/rotary.ts';
import type { RotaryTables } from './rotary.ts';

/** Of each head, before it is rotated. */
export interface HeadNorm {
  /** `[headDim]` */
  readonly weight: Value;
  readonly epsilon: number;
}

/**
 * Queries or keys with rotary position embedding, after QK-norm where there is one (Qwen3). A kernel: a token's heads have the same
 * bits whatever the number of tokens.
 *
 * @param x the projection, `[T, heads·headDim]`
 * @param positions `[T, 1]` int64
 * @returns `[T, heads, headDim]`
 */
export function rotatedHeads(x: Value, positions: Value, tables: RotaryTables, norm?: HeadNorm): Value {
  const headDim = 2 * fixed(dimension(tables.cos.shape, 1));
  const heads = reshape(x, [dimension(x.shape, 0), fixed(dimension(x.shape, 1)) / headDim, headDim]);
  const inputs = [x, positions, tables.cos, tables.sin];
  if (norm === undefined) {
    const [y] = kernel('Rotary', inputs, [rotated(heads, positions, tables)], (g) =>
      g ? [reshape(rotatedBack(g, positions, tables), x.shape)] : [],
    );
    return y as Value;
  }
  const { weight, epsilon } = norm;
  const [normal, ofHead] = simplifiedLayerNormalization(heads, weight, epsilon) as [Value, Value];
  const outputs = [rotated(normal, positions, tables), ofHead];
  const [y, r] = kernel('NormalizedRotary', [...inputs, weight, scalar(epsilon)], outputs, (g) => {
    if (g === undefined) return [];
    const [dx, dweight] = rmsNormGradient(rotatedBack(g, positions, tables), heads, weight, r as Value);
    const ofX: AddOnto = { onto: (sum) => reshape(dx.onto(sum && reshape(sum, heads.shape)), x.shape) };
    return [ofX, undefined, undefined, undefined, dweight];
  });
  return y as Value;
}

/** A rotation's transpose is its inverse. */
function rotatedBack(g: Value, positions: Value, tables: RotaryTables): Value {
  const { cos, sin } = tables;
  const back = rotated(g, positions, { cos, sin: negate(sin) });
  return kernel('RotaryGradient', [g, positions, cos, sin], [back])[0] as Value;
}

/** x `[T, heads, headDim]` */
function rotated(x: Value, positions: Value, tables: RotaryTables): Value {
  const [tokens, heads, headDim] = x.shape as [number, number, number];
  return reshape(rotaryEmbedding(reshape(x, [tokens, heads, 1, headDim]), positions, tables), x.shape);
}
