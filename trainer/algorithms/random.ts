import { createHash } from 'node:crypto';

/**
 * Random numbers as a pure function of where they are used (seed, step, prompt, sample, token …), never of a stream's
 * state: a resumed run and any number of workers draw the same numbers.
 *
 * Philox4x32-10, a counter-based generator. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export type RandomKey = readonly [low: number, high: number];

/** A key from its coordinates, for example `randomKey(seed, 'rollout', step, promptId, sample)`. */
export function randomKey(...coordinates: readonly (string | number)[]): RandomKey {
  const digest = createHash('sha256').update(JSON.stringify(coordinates)).digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** The number at `index` (0 … 2⁵³−1) of the key's sequence, uniform in [0, 1) with 53 bits. */
export function uniform(key: RandomKey, index: number): number {
  const [a, b] = philox([index >>> 0, Math.floor(index / 0x1_0000_0000), 0, 0], key);
  return (a * 0x20_0000 + (b >>> 11)) / 0x20_0000_0000_0000;
}

/** An integer in [0, bound), from the number at `index`. */
export function integer(key: RandomKey, index: number, bound: number): number {
  return Math.floor(uniform(key, index) * bound);
}

/** A standard normal number (Box–Muller, from the two numbers at `2·index` and `2·index + 1`). */
export function normal(key: RandomKey, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(key, 2 * index)));
  return radius * Math.cos(2 * Math.PI * uniform(key, 2 * index + 1));
}

/** A permuted copy (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], key: RandomKey): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = integer(key, last, last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

// Bound once: inside a VM context, such as Jest's, every look-up of a global costs more than a round.
const { floor, imul } = Math;

type Words = readonly [number, number, number, number];

/** Ten rounds of Philox4x32 over unsigned 32-bit words. */
export function philox(counter: Words, key: RandomKey): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd251_1f53, c0);
    const low0 = imul(0xd251_1f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e_8d57, c2);
    const low1 = imul(0xcd9e_8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e37_79b9) >>> 0;
    k1 = (k1 + 0xbb67_ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Upper 32 bits of the product of two unsigned 32-bit words, in exact 16-bit pieces. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + floor(middle / 0x1_0000) + floor(cross / 0x1_0000)) >>> 0;
}
