import type { RandomKey } from '../../algorithms/random.ts';

// Bound once: global look-ups are slow inside a VM context, such as Jest's.
const { ceil, floor, imul, log2, max } = Math;

/**
 * Where `index` goes in a random permutation of 0 … size−1, without holding the permutation: a Feistel network over the
 * next even number of bits, walked until it lands inside. Source: Black and Rogaway, "Ciphers with arbitrary finite
 * domains", CT-RSA 2002.
 *
 * @param size 1 … 2³²
 */
export function permuted(key: RandomKey, index: number, size: number): number {
  const half = 2 ** max(1, ceil(log2(size) / 2));
  let position = index;
  do {
    let left = floor(position / half);
    let right = position % half;
    for (let round = 0; round < 8; round++) {
      const word = mix(right ^ (key[round % 2] as number) ^ imul(round + 1, 0x9e37_79b9));
      [left, right] = [right, (left ^ word) & (half - 1)];
    }
    position = left * half + right;
  } while (position >= size);
  return position;
}

/** The finalizer of MurmurHash3: every bit of a 32-bit word decides over every other. */
function mix(word: number): number {
  let mixed = imul(word ^ (word >>> 16), 0x85eb_ca6b);
  mixed = imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
