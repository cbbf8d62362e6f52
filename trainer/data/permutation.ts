import { philox, type RandomKey } from '../algorithms/random.ts';

/**
 * Where `index` goes in a random permutation of 0 … size−1, without holding the permutation: a Feistel network of six
 * rounds over the next even number of bits, walked until it lands inside. Source: Black and Rogaway, "Ciphers with
 * arbitrary finite domains", CT-RSA 2002.
 *
 * @param size 1 … 2³²
 */
export function permuted(key: RandomKey, index: number, size: number): number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  const half = 2 ** halfBits;
  let position = index;
  do {
    let left = Math.floor(position / half);
    let right = position % half;
    for (let round = 0; round < 6; round++) {
      const [word] = philox([right, round, 0, 1], key);
      [left, right] = [right, (left ^ word) & (half - 1)];
    }
    position = left * half + right;
  } while (position >= size);
  return position;
}
