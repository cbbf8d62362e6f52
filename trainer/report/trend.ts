import { studentQuantile } from '../contract/settings/student.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Trend {
  readonly verdict: 'rising' | 'flat' | 'falling' | 'unknown';
  /** Least-squares slope, y per x, with its 95 % confidence interval. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  /** Points used: those of the last third. */
  readonly points: number;
}

/** What came of a whole curve. */
export interface Change {
  readonly verdict: 'rising' | 'flat' | 'falling' | 'unknown';
  /** Means of the first and of the last tenth of its points. */
  readonly from: number;
  readonly to: number;
}

const fewestPoints = 8;
/** At each end of a curve: fewer say too little of their spread. */
const fewestAtAnEnd = 5;

/**
 * Whether the last tenth of a curve, five points at least, differs from its first: by Welch's interval of 95 %, with
 * Student's quantile for the smaller number of degrees of freedom that it may have, n − 1 of one end.
 */
export function changeOf(curve: readonly Point[]): Change {
  const n = Math.max(fewestAtAnEnd, Math.round(curve.length / 10));
  if (curve.length < 2 * n) return { verdict: 'unknown', from: Number.NaN, to: Number.NaN };
  const [first, last] = [curve.slice(0, n), curve.slice(-n)].map((points) => points.map(({ y }) => y)) as [
    number[],
    number[],
  ];
  const [from, to] = [mean(first), mean(last)];
  const error = Math.sqrt((variance(first) + variance(last)) / n);
  const margin = studentQuantile(0.975, n - 1) * error;
  const verdict = to - from > margin ? 'rising' : to - from < -margin ? 'falling' : 'flat';
  return { verdict, from, to };
}

/**
 * Whether a curve still rises at its end: the slope of the last third of its points. A confidence interval that holds 0
 * is called flat. Residuals are taken as independent, which holds for rewards of fresh prompts in every step.
 */
export function trendOfLastThird(curve: readonly Point[]): Trend {
  const points = curve.slice(Math.floor((curve.length * 2) / 3));
  const n = points.length;
  if (n < fewestPoints) return { verdict: 'unknown', slope: Number.NaN, low: Number.NaN, high: Number.NaN, points: n };

  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const sxx = sum(points.map(({ x }) => (x - meanX) ** 2));
  const sxy = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY)));
  const slope = sxx === 0 ? 0 : sxy / sxx;
  const residuals = sum(points.map(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2));
  const standardError = sxx === 0 ? 0 : Math.sqrt(residuals / (n - 2) / sxx);
  const margin = studentQuantile(0.975, n - 2) * standardError;
  const [low, high] = [slope - margin, slope + margin];
  return { verdict: low > 0 ? 'rising' : high < 0 ? 'falling' : 'flat', slope, low, high, points: n };
}

/** Of a sample, divided by n − 1. */
function variance(values: readonly number[]): number {
  const center = mean(values);
  return sum(values.map((value) => (value - center) ** 2)) / (values.length - 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
