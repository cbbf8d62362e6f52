/** `‖found − expected‖ ÷ ‖expected‖`; NaN when the lengths differ. */
export function relativeDifference(found: ArrayLike<number>, expected: ArrayLike<number> = []): number {
  if (found.length !== expected.length) return NaN;
  const values = Array.from(expected);
  return Math.hypot(...values.map((value, index) => value - (found[index] ?? NaN))) / Math.hypot(...values);
}
