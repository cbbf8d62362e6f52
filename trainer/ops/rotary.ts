import { ShapeError, showShape } from '../graph/shape.ts';
import { type Value, apply, expectRank } from '../graph/value.ts';

/**
 * Rotary position embedding of the halves `(x[i], x[i + headDim/2])`, as in Llama and Qwen.
 * Source: Su et al., arXiv:2104.09864. `RotaryEmbedding` of com.microsoft.
 *
 * @param x `[batch, heads, length, headDim]`
 * @param positions int64: `[1]`, the position of every row's first element, or `[batch, length]`
 * @param tables cosines and sines, `[positions, headDim/2]`
 */
export function rotaryEmbedding(x: Value, positions: Value, tables: { cos: Value; sin: Value }): Value {
  expectRank('RotaryEmbedding', x, 4);
  const { cos, sin } = tables;
  if (typeof x.shape[3] !== 'number' || cos.shape[1] !== x.shape[3] / 2) {
    throw new ShapeError(`RotaryEmbedding: table ${showShape(cos.shape)} for heads of ${showShape(x.shape)}`);
  }
  return apply('RotaryEmbedding', [x, positions, cos, sin], x, {
    domain: 'com.microsoft',
    attributes: { interleaved: 0 },
  });
}
