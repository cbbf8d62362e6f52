/**
 * Soft overlong punishment: 0 up to `max − soft` tokens, falling linearly to −1 at `max`, −1 beyond.
 *
 * Source: DAPO, arXiv:2503.14476, equation 13.
 *
 * @param tokens length of the completion in tokens
 */
export function lengthPenalty(tokens: number, { max, soft }: { max: number; soft: number }): number {
  return Math.max(-1, Math.min(0, (max - soft - tokens) / soft));
}
