import { studentQuantile } from '../../../trainer/contract/settings/student.ts';
import { formatNumber } from '../../api/display.ts';
import type { Gate } from '../../api/resources/pipeline-stage.ts';

/** What a metric is held against. */
export type BoundSettings = Pick<Gate, 'atLeast' | 'atMost' | 'notBelow' | 'confidence' | 'minPrompts'>;
type Metrics = Readonly<Record<string, number>>;

export interface Bound {
  /** What was measured, in words. */
  readonly found: string;
  /** What was asked, in words. */
  readonly expected: string;
  readonly passed: boolean;
}

/**
 * The figures of a result that a gate goes by besides its metric: the standard error, of how many prompts it is, and the share of
 * completions that a verifier failed at.
 */
export function figuresBehind(metric: string): Readonly<Record<'error' | 'prompts' | 'unscored', string>> {
  const where = metric.slice(0, metric.lastIndexOf('/'));
  return { error: `${metric}_stderr`, prompts: `${where}/prompts`, unscored: `${where}/unscored_frac` };
}

/**
 * Compares a metric with its bound: where a confidence is asked, all of Student's interval must keep it, of `notBelow` that of
 * the difference. Completions without a verdict count against the gate, as what was lost need not be like what was measured.
 *
 * @param other figures of `notBelow.stage`
 */
export function compareWithBound(gate: BoundSettings, metric: string, own: Metrics, other?: Metrics): Bound {
  const value = own[metric];
  const expected = `${boundInWords(gate, metric, other)}${certaintyInWords(gate)}`;
  if (value === undefined) return { found: `${metric} was not measured`, expected, passed: false };

  const { prompts } = figuresBehind(metric);
  const measured = [own, ...(gate.notBelow && other ? [other] : [])];
  const fewest = Math.min(...measured.map((each) => each[prompts] ?? 0));
  const isEnough = gate.minPrompts === undefined || fewest >= gate.minPrompts;
  const margin = marginOf(gate, metric, measured, fewest);
  const unscored = Math.max(...measured.map((each) => each[figuresBehind(metric).unscored] ?? 0));
  const lost = measured.reduce((sum, each) => sum + greatestLoss(metric, each), 0);
  const of = gate.minPrompts === undefined ? '' : ` over ${formatNumber(fewest)} prompts`;
  const without =
    lost === 0 ? '' : `, ${formatNumber(percent(unscored))} % of completions without a verdict counted against it`;
  const found = `${metric} is ${formatNumber(value)}${intervalInWords(gate, value, other?.[metric], margin)}${of}${without}`;
  const isSure = margin !== undefined && isKept(gate, value, other?.[metric], margin + lost);
  return { found, expected, passed: isEnough && isSure };
}

/**
 * How far a share of right answers can lie from what it would be had all completions a verdict: one of k completions of a prompt can
 * decide pass@k and cons@k of it.
 */
function greatestLoss(metric: string, measured: Metrics): number {
  const [, k] = /\/(?:pass|cons)@(\d+)$/.exec(metric) ?? [];
  return k === undefined ? 0 : Math.min(1, Number(k) * (measured[figuresBehind(metric).unscored] ?? 0));
}

function percent(share: number): number {
  return Number((100 * share).toPrecision(3));
}

function boundInWords(
  { atLeast, atMost, notBelow }: BoundSettings,
  metric: string,
  other: Metrics | undefined,
): string {
  if (atLeast !== undefined) return `at least ${formatNumber(atLeast)}`;
  if (atMost !== undefined) return `at most ${formatNumber(atMost)}`;
  const { stage = '', by = 0 } = notBelow ?? {};
  const theirs = other?.[metric];
  if (theirs === undefined) return `not below ${stage}, which did not measure it`;
  return `at least ${formatNumber(theirs)}${by === 0 ? '' : ` − ${formatNumber(by)}`} (${stage})`;
}

function certaintyInWords({ confidence, minPrompts }: BoundSettings): string {
  const sure = confidence === undefined ? '' : ` with ${formatNumber(100 * confidence)} % confidence`;
  return `${sure}${minPrompts === undefined ? '' : ` over at least ${formatNumber(minPrompts)} prompts`}`;
}

/** Half the width of the interval, 0 where none is asked; undefined where a standard error is not known. */
function marginOf(
  { confidence }: BoundSettings,
  metric: string,
  measured: readonly Metrics[],
  prompts: number,
): number | undefined {
  if (confidence === undefined) return 0;
  const errors = measured.map((each) => each[figuresBehind(metric).error]);
  if (prompts < 2 || errors.includes(undefined)) return undefined;
  return studentQuantile((1 + confidence) / 2, prompts - 1) * Math.hypot(...errors.map((error) => error ?? NaN));
}

function isKept(
  { atLeast, atMost, notBelow }: BoundSettings,
  value: number,
  theirs: number | undefined,
  margin: number,
): boolean {
  if (atLeast !== undefined) return value - margin >= atLeast;
  if (atMost !== undefined) return value + margin <= atMost;
  return theirs !== undefined && value - margin >= theirs - (notBelow?.by ?? 0);
}

function intervalInWords(
  { confidence, notBelow }: BoundSettings,
  value: number,
  theirs: number | undefined,
  margin: number | undefined,
): string {
  if (confidence === undefined) return '';
  if (margin === undefined) return ' (without a standard error)';
  const center = notBelow === undefined ? value : value - (theirs ?? NaN);
  const what = `${formatNumber(100 * confidence)} % interval${notBelow === undefined ? '' : ' of the difference'}`;
  return ` (${what} ${rounded(center - margin)} … ${rounded(center + margin)})`;
}

function rounded(value: number): string {
  return formatNumber(Number(value.toFixed(3)));
}
