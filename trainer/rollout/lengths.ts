/** A length that prompts of about the same one have in common: they run together. */
export function lengthBucket(length: number): number {
  const unit = length <= 128 ? 16 : length <= 512 ? 64 : 256;
  return Math.max(1, Math.ceil(length / unit)) * unit;
}
