/**
 * Rounds to bfloat16, the upper half of float32: to the nearest, ties to even. What is not a number stays so.
 *
 * @param to as many numbers, which get the upper halves
 */
export function roundToBfloat16(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    to[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
}
