import { roundToBfloat16 } from '../../trainer/algorithms/bfloat16.ts';

/** Numbers of bfloat16 as float32. */
export function widened(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

export function halvesOf(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  roundToBfloat16(values, halves);
  return halves;
}

/** Numbers rounded to bfloat16, as float32. */
export function rounded(values: Float32Array): Float32Array {
  return widened(halvesOf(values));
}
