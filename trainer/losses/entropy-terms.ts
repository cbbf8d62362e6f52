/**
 * Which tokens are of high entropy: those at which a chain of thought forks.
 * Source: "Beyond the 80/20 Rule", arXiv:2506.01939, §5; `get_high_entropy_mask` of TRL.
 *
 * @param entropies of each token of each completion, in nats
 * @param share of all tokens, in (0, 1]; those with the entropy of the last one that belongs to them belong to them, too
 */
export function highEntropyTokens(entropies: readonly ArrayLike<number>[], share: number): boolean[][] {
  const rows = entropies.map((row) => Array.from(row));
  const least = quantile(
    rows.flat().toSorted((a, b) => a - b),
    1 - share,
  );
  return rows.map((row) => row.map((entropy) => entropy >= least));
}

/** With linear interpolation, as `torch.quantile`; of nothing it is 0. */
function quantile(sorted: readonly number[], q: number): number {
  const place = q * (sorted.length - 1);
  const [below = 0, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** Which way the bonus for entropy acts: 1 for more of it, −1 for less, 0 within the band. */
export function entropySign(
  entropy: number,
  band: { readonly low: number; readonly high: number } | undefined,
): 1 | 0 | -1 {
  if (band === undefined || entropy < band.low) return 1;
  return entropy > band.high ? -1 : 0;
}
