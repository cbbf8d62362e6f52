/** How a token is chosen; the temperature is already in the probabilities unless it is 0 (greedy). */
export interface TokenSampling {
  readonly temperature: number;
  /** Smallest set of tokens with this probability, of what top-k left. */
  readonly topP: number;
  /** Only the k most likely tokens; 0 is all. */
  readonly topK: number;
}

/**
 * Chooses a token from one row of probabilities by the inverse of their cumulative sum.
 *
 * @param probs [V], non-negative; the sum may differ from 1 by rounding, no token gains or loses by it
 * @param u uniform in [0, 1)
 */
export function chooseToken(probs: Float32Array, { temperature, topP, topK }: TokenSampling, u: number): number {
  if (temperature === 0) return mostLikely(probs);
  if (topP >= 1 && (topK === 0 || topK >= probs.length)) return inverseCdf(probs, 0, Infinity, u);
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

/**
 * The tokens that top-k and then top-p keep: all above `threshold`, and the first `ties` of those at it. Top-p counts the
 * probability that top-k left as 1, as transformers does.
 */
function nucleus(probs: Float32Array, topP: number, topK: number): { threshold: number; ties: number } {
  let total = 0;
  for (let token = 0; token < probs.length; token++) total += probs[token] as number;
  // Tokens below this have less than 1 − topP together, so none of them is needed.
  const negligible = topK > 0 ? 0 : ((1 - topP) * total) / probs.length;
  const sorted = probs.filter((p) => p >= negligible).toSorted();

  const available = topK > 0 ? Math.min(topK, sorted.length) : sorted.length;
  let mass = 0;
  for (let rank = 0; rank < available; rank++) mass += sorted[sorted.length - 1 - rank] as number;
  const wanted = topP * (topK > 0 ? mass : total);

  let kept = 0;
  let cumulative = 0;
  let threshold = 0;
  while (kept < available && (kept === 0 || (topP < 1 ? cumulative < wanted : true))) {
    threshold = sorted[sorted.length - 1 - kept] as number;
    cumulative += threshold;
    kept++;
  }
  let above = 0;
  while (above < kept && (sorted[sorted.length - 1 - above] as number) > threshold) above++;
  return { threshold, ties: kept - above };
}
