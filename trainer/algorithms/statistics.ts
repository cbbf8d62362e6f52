/** Arithmetic mean; 0 for nothing. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (divided by n − 1); exactly 0 for equal values and for fewer than two. */
export function sampleStd(values: readonly number[]): number {
  // Rounding would give equal values such as 0.1, 0.1, 0.1 a tiny deviation, and then a group without signal an advantage.
  if (values.length < 2 || values.every((value) => value === values[0])) return 0;
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}

/** Mean of independent values with its standard error, `std / √n`. */
export function meanWithError(values: readonly number[]): { mean: number; standardError: number } {
  return {
    mean: mean(values),
    standardError: values.length === 0 ? 0 : sampleStd(values) / Math.sqrt(values.length),
  };
}
