/**
 * Quantile of Student's t. For a whole number of degrees of freedom the distribution is a finite sum (Abramowitz & Stegun 26.7.3 and
 * 26.7.4), which is inverted by bisection to 12 digits.
 *
 * @param probability 0.5 … 1 − 1e-12
 * @param degreesOfFreedom 1, 2, …
 */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  const within = 2 * probability - 1;
  let [low, high] = [0, 1];
  while (probabilityWithin(high, degreesOfFreedom) < within && high < 1e13) high *= 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (probabilityWithin(middle, degreesOfFreedom) < within) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(|T| ≤ t). */
function probabilityWithin(t: number, v: number): number {
  const angle = Math.atan(t / Math.sqrt(v));
  const cosine = Math.cos(angle);
  // v odd: 2/π (θ + sin θ (cos θ + 2/3 cos³θ + …)); v even: sin θ (1 + 1/2 cos²θ + 1·3/(2·4) cos⁴θ + …)
  const isOdd = v % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = v === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k < v; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/** A mean of independent values, with the ends of its confidence interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Student's interval of a mean, `mean ± t · std / √n`. Values that are all equal have one of no width.
 *
 * @param values two at least
 * @param confidence such as 0.95, both ends together
 */
export function meanInterval(values: readonly number[], confidence: number): Interval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const isConstant = values.every((value) => value === values[0]); // rounding would give a tiny width
  if (isConstant) return { mean, low: mean, high: mean };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const margin = studentQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - margin, high: mean + margin };
}
