import { type Value, kernel } from '../graph/value.ts';
import { cast } from './movement.ts';

/** Numbers of bfloat16 in float32: the nearest, ties to even. The gradient passes as if none were rounded, as of the factors of products. A kernel. */
export function rounded(x: Value): Value {
  const [y] = kernel('RoundBf16', [x], [cast(cast(x, 'bfloat16'), 'float32')], (g) => [g]);
  return y as Value;
}
