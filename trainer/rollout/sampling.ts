/** How a token is chosen; the temperature is already in the probabilities unless it is 0 (greedy). */
export interface TokenSampling {
  readonly temperature: number;
  /** Smallest set of tokens with this probability, of what top-k left. */
  readonly topP: number;
  /** Only the k most likely tokens; 0 is all. */
  readonly topK: number;
  /** So many of the most likely tokens are told with it; live generation alone tells of them. */
  readonly alternatives?: number;
}

/**
 * Chooses a token from one row of probabilities by the inverse of their cumulative sum.
 *
 * @param probs [V], non-negative; the sum may differ from 1 by rounding, no token gains or loses by it
 * @param u uniform in [0, 1)
 */
export function chooseToken(probs: Float32Array, { temperature, topP, topK }: TokenSampling, u: number): number {
  if (temperature === 0) return mostLikely(probs);
  if (topP >= 1 && (topK === 0 || topK >= probs.length)) return inverseCdfOfAll(probs, u);
  const { threshold, ties } = nucleus(probs, topP, topK);
  return inverseCdf(probs, threshold, ties, u);
}

/** The first of the largest probabilities. */
export function mostLikely(probs: Float32Array): number {
  let best = 0;
  for (let token = 1; token < probs.length; token++) {
    if ((probs[token] as number) > (probs[best] as number)) best = token;
  }
  return best;
}

/** Tokens that are summed up before any of them is looked at. */
const blockSize = 64;

/** The first token at which the cumulative sum exceeds `u` of the total: first its block, then the token in it. */
function inverseCdfOfAll(probs: Float32Array, u: number): number {
  const { sums, count } = blockSums(probs);
  let total = 0;
  for (let block = 0; block < count; block++) total += sums[block] as number;
  const target = u * total;
  let cumulative = 0;
  let block = 0;
  while (block < count - 1 && cumulative + (sums[block] as number) <= target) cumulative += sums[block++] as number;
  for (let token = block * blockSize; token < probs.length; token++) {
    cumulative += probs[token] as number;
    if (cumulative > target) return token;
  }
  return probs.findLastIndex((p) => p > 0); // u·total was rounded up to the total
}

/** Memory for the sums of a row: an array for each would be one outside of V8's heap, which its collector has to free. */
let ofBlocks = new Float64Array(0);

/** Sum of each `blockSize` tokens. Four sums side by side hide the latency of the addition: 3.5 times as fast as one. */
function blockSums(probs: Float32Array): { readonly sums: Float64Array; readonly count: number } {
  const count = Math.ceil(probs.length / blockSize);
  if (ofBlocks.length < count) ofBlocks = new Float64Array(count);
  const sums = ofBlocks;
  for (let block = 0; block < count; block++) {
    const end = Math.min(probs.length, (block + 1) * blockSize);
    let token = block * blockSize;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (; token + 4 <= end; token += 4) {
      a += probs[token] as number;
      b += probs[token + 1] as number;
      c += probs[token + 2] as number;
      d += probs[token + 3] as number;
    }
    for (; token < end; token++) a += probs[token] as number;
    sums[block] = a + b + (c + d);
  }
  return { sums, count };
}

/** The first token at which the cumulative sum of the kept tokens exceeds `u` of their total. */
function inverseCdf(probs: Float32Array, threshold: number, ties: number, u: number): number {
  let total = 0;
  let left = ties;
  for (let token = 0; token < probs.length; token++) {
    const p = probs[token] as number;
    if (p > threshold || (p === threshold && left-- > 0)) total += p;
  }
  const target = u * total;
  let cumulative = 0;
  let last = 0;
  left = ties;
  for (let token = 0; token < probs.length; token++) {
    const p = probs[token] as number;
    if (p > threshold || (p === threshold && left-- > 0)) {
      cumulative += p;
      if (cumulative > target) return token;
      if (p > 0) last = token;
    }
  }
  return last; // u·total was rounded up to the total
}

/** The kept tokens: all above `threshold`, and the first `ties` of those at it. */
interface Kept {
  readonly threshold: number;
  readonly ties: number;
  /** Their probability together. */
  readonly mass: number;
}

/** What top-k and then top-p keep. Top-p counts the probability that top-k left as 1, as transformers does. */
function nucleus(probs: Float32Array, topP: number, topK: number): Kept {
  const ranges = rangesOf(probs);
  if (topK === 0) return mostLikelyTokens(probs, ranges, Infinity, topP * ranges.total);
  const candidates = mostLikelyTokens(probs, ranges, topK, Infinity);
  return topP < 1 ? mostLikelyTokens(probs, ranges, topK, topP * candidates.mass) : candidates;
}

/** Bits dropped from a float32 to number its range: ranges are up to 12 % wide, and more likely tokens have higher numbers. */
const rangeShift = 20;
const rangeCount = (0x3f80_0000 >>> rangeShift) + 2; // up to probability 1 and a rounding error more

/** How many tokens each range holds, and their probability. */
interface Ranges {
  readonly counts: Uint32Array;
  readonly masses: Float64Array;
  readonly total: number;
}

const [counts, masses] = [new Uint32Array(rangeCount), new Float64Array(rangeCount)];

/** Sorts the probabilities of a row roughly, in time V. */
function rangesOf(probs: Float32Array): Ranges {
  counts.fill(0);
  masses.fill(0);
  let total = 0;
  const bits = new Uint32Array(probs.buffer, probs.byteOffset, probs.length);
  for (let token = 0; token < probs.length; token++) {
    const range = (bits[token] as number) >>> rangeShift;
    const p = probs[token] as number;
    counts[range] = (counts[range] as number) + 1;
    masses[range] = (masses[range] as number) + p;
    total += p;
  }
  return { counts, masses, total };
}

/** The smallest set of most likely tokens, at least one, that has `most` tokens or the probability `wanted`. */
function mostLikelyTokens(probs: Float32Array, ranges: Ranges, most: number, wanted: number): Kept {
  let kept = 0;
  let mass = 0;
  let range = rangeCount - 1;
  for (; range > 0; range--) {
    const count = ranges.counts[range] as number;
    const more = ranges.masses[range] as number;
    if (count > 0 && (kept + count >= most || mass + more >= wanted)) break;
    kept += count;
    mass += more;
  }
  // The border lies in this range.
  const inRange = tokensInRange(probs, range, ranges.counts[range] as number).toSorted();
  let threshold = 0;
  let ties = 0;
  for (let rank = inRange.length - 1; rank >= 0 && (kept === 0 || (kept < most && mass < wanted)); rank--) {
    const p = inRange[rank] as number;
    ties = p === threshold ? ties + 1 : 1;
    threshold = p;
    kept++;
    mass += p;
  }
  return { threshold, ties, mass };
}

/** The probabilities of the `count` tokens in a range, in token order. */
function tokensInRange(probs: Float32Array, range: number, count: number): Float32Array {
  const bits = new Uint32Array(probs.buffer, probs.byteOffset, probs.length);
  const found = new Float32Array(count);
  let size = 0;
  for (let token = 0; token < probs.length; token++) {
    if ((bits[token] as number) >>> rangeShift === range) found[size++] = probs[token] as number;
  }
  return found;
}
