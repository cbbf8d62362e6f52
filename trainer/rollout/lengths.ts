/**
 * The length that a sequence is padded to. Few different ones, so that few programs are compiled; multiples of 16, so
 * that vectorised sums over padded positions add the same numbers in the same order.
 */
export function lengthBucket(length: number): number {
  const unit = length <= 128 ? 16 : length <= 512 ? 64 : 256;
  return Math.max(1, Math.ceil(length / unit)) * unit;
}

/** Positions of the key and value cache when the longest sequence has this many. */
export function cacheWidth(length: number): number {
  return Math.ceil(length / 32) * 32;
}
