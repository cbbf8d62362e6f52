import Table from 'cli-table3';
import type { Target } from './benchmarks.ts';
import type { Round } from './messages.ts';

/** What is counted, and what is asked of it. */
interface Counted {
  /** Name of what a repetition produces. */
  readonly name: 'step' | 'token';
  readonly perRepetition: number;
  /** Repetitions in one round. */
  readonly repetitions: number;
  readonly targets: readonly Target[];
}

export interface Measured {
  readonly rounds: readonly Round[];
  readonly peakBytes: number;
}

/** One measured quantity of both sides; `best` is the lowest cost or the highest rate. */
export interface Line {
  readonly metric: 'wallSeconds' | 'cpuSeconds' | 'rate' | 'peakBytes';
  readonly label: string;
  readonly ours: Statistic;
  readonly peer: Statistic;
  /** Ours divided by the peer's. */
  readonly ratio: Statistic;
  readonly target?: number;
}

export interface Statistic {
  readonly best: number;
  readonly median: number;
}

export function summarize(counted: Counted, ours: Measured, peer: Measured): Line[] {
  const { name, perRepetition, repetitions, targets } = counted;
  const perUnit = perRepetition === 1 ? name : 'repetition';
  const seconds =
    (field: 'wallSeconds' | 'cpuSeconds') =>
    ({ rounds }: Measured): Statistic =>
      lowest(rounds.map((round) => round[field] / repetitions));
  const rate = ({ rounds }: Measured): Statistic =>
    highest(rounds.map(({ wallSeconds }) => (repetitions * perRepetition) / wallSeconds));
  const peak = ({ peakBytes }: Measured): Statistic => ({ best: peakBytes, median: peakBytes });

  const line = (metric: Line['metric'], label: string, of: (side: Measured) => Statistic): Line => {
    const [a, b] = [of(ours), of(peer)];
    const target = targets.find((candidate: Target) => candidate.metric === metric)?.ratio;
    const ratio = { best: a.best / b.best, median: a.median / b.median };
    return { metric, label, ours: a, peer: b, ratio, ...(target !== undefined && { target }) };
  };
  return [
    line('wallSeconds', `wall time, s/${perUnit}`, seconds('wallSeconds')),
    line('cpuSeconds', `CPU time, s/${perUnit}`, seconds('cpuSeconds')),
    line('rate', `${name}s per second`, rate),
    line('peakBytes', 'peak memory, MB', peak),
  ];
}

export function renderTable(lines: readonly Line[]): string {
  const table = new Table({
    head: ['', 'ours: best', 'median', 'peer: best', 'median', 'ours ÷ peer: best', 'median', 'target'],
    colAligns: ['left', ...Array.from({ length: 7 }, () => 'right' as const)],
    style: { head: [], border: [] },
  });
  for (const { metric, label, ours, peer, ratio, target } of lines) {
    const sign = metric === 'rate' ? '≥' : '≤';
    table.push([
      label,
      ...[ours.best, ours.median, peer.best, peer.median].map((value) => show(metric, value)),
      ...[ratio.best, ratio.median].map((value) => `${value.toFixed(2)}×`),
      target === undefined ? '' : `${sign} ${target}×`,
    ]);
  }
  return table.toString();
}

function lowest(values: readonly number[]): Statistic {
  return { best: Math.min(...values), median: median(values) };
}

function highest(values: readonly number[]): Statistic {
  return { best: Math.max(...values), median: median(values) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

/** A figure as a person reads it. */
export function show(metric: Line['metric'], value: number): string {
  return metric === 'peakBytes' ? (value / 1e6).toFixed(0) : significant(value);
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
