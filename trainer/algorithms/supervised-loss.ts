import { mean } from './statistics.ts';

const fewestLosses = 30;
const lossesAtAnEnd = 10;
/** Cross-entropy of half as much again as at the start is more than a warm-up that overshoots. */
const explodedBy = 1.5;

/** Steps at the full learning rate after which a loss that learns has fallen measurably. */
const stepsToFall = 50;
/** So far a sum of as many rates as there are steps may be off by rounding. */
const rounding = 1e-6;

/** Compared of each quarter. */
const mostCompared = 100;

/** A supervised loss step by step. What a step or a question costs does not grow with the steps before it. */
export class SupervisedLoss {
  private readonly losses: number[] = [];
  private rates: { readonly sum: number; readonly peak: number } | undefined;
  /** The beginning that is looked at next. */
  private beginning = stepsToFall;
  /** One of the beginnings has fallen. */
  private hasLearned = false;

  add(loss: number, learningRate: number | undefined): void {
    if (this.losses.length === this.beginning) {
      this.hasLearned ||= hasFallen(this.losses);
      this.beginning *= 2;
    }
    this.losses.push(loss);
    if (learningRate === undefined) return;
    const { sum, peak } = this.rates ?? { sum: 0, peak: 0 };
    this.rates = { sum: sum + learningRate, peak: Math.max(peak, learningRate) };
  }

  /** Means of the first losses and of the last, where these are much larger. */
  get explosion(): { readonly first: number; readonly last: number } | undefined {
    if (this.losses.length < fewestLosses) return undefined;
    const [first, last] = [mean(this.losses.slice(0, lossesAtAnEnd)), mean(this.losses.slice(-lossesAtAnEnd))];
    return first <= 0 || last < explodedBy * first ? undefined : { first, last };
  }

  /**
   * Medians of the first quarter and of the last where it has fallen neither in the whole run nor in any of its beginnings of 50, 100,
   * 200 … steps. The beginnings count, since a loss that falls at once and then rests has learned, however long it rests.
   */
  get rest(): { readonly first: number; readonly last: number } | undefined {
    if (this.hasLearned || this.stepsAtPeak < stepsToFall - rounding || hasFallen(this.losses)) return undefined;
    const { first, last } = quarters(this.losses);
    return { first: median(first), last: median(last) };
  }

  /** The steps of warm-up and decay count by their share of the peak; where the rate is 0 throughout, every step counts. */
  private get stepsAtPeak(): number {
    const { sum, peak } = this.rates ?? { sum: 0, peak: 0 };
    return peak === 0 ? this.losses.length : sum / peak;
  }
}

/**
 * The first quarter lies above the last by two standard deviations of Mann and Whitney's U. It looks at ranks: one odd batch
 * among small losses would hide a fall from their means.
 */
function hasFallen(values: readonly number[]): boolean {
  const { first, last } = quarters(values);
  const n = first.length;
  let above = 0;
  for (const before of first) for (const after of last) above += before > after ? 1 : before === after ? 0.5 : 0;
  return above - n ** 2 / 2 >= 2 * Math.sqrt((n ** 2 * (2 * n + 1)) / 12);
}

/** Evenly chosen values of either: a hundred say enough, and every one is compared with every other after every step. */
function quarters(values: readonly number[]): { readonly first: readonly number[]; readonly last: readonly number[] } {
  const size = Math.floor(values.length / 4);
  const every = Math.ceil(size / mostCompared);
  const from = (start: number) =>
    Array.from({ length: Math.ceil(size / every) }, (_, at) => values[start + at * every] as number);
  return { first: from(0), last: from(values.length - size) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
