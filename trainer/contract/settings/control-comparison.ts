/** pass@1 on held-out prompts, with its standard error. */
export interface Measured {
  readonly score: number;
  readonly standardError: number;
}

export interface Comparison {
  /** Of the stage to its control. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: 'above' | 'equal' | 'below';
}

/** 97.5 % quantile of the normal distribution. */
const normalQuantile975 = 1.959964;

/**
 * Compares a stage with a negative control by the interval of 95 % of the difference, `± 1.96 √(e₁² + e₂²)`. Both answered the same
 * prompts: the interval is at least as wide as it need be.
 */
export function compare(own: Measured, control: Measured): Comparison {
  const difference = own.score - control.score;
  const margin = normalQuantile975 * Math.hypot(own.standardError, control.standardError);
  const [low, high] = [difference - margin, difference + margin];
  return { difference, low, high, verdict: low > 0 ? 'above' : high < 0 ? 'below' : 'equal' };
}

/** Such as `+0.41 (95 % interval +0.36 … +0.46)`. */
export function inWords({ difference, low, high }: Comparison): string {
  return `${signed(difference)} (95 % interval ${signed(low)} … ${signed(high)})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
