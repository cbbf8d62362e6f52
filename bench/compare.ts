import type { CheckAnswer } from './messages.ts';

/** One result that both sides were asked for. */
export interface Comparison {
  readonly what: string;
  readonly same: boolean;
  readonly detail: string;
}

/** In f32 sums in another order differ by about 1e-6, which an update amplifies a little; bf16 has 8 bits. */
const tolerances = { f32: 1e-3, bf16: 0.1 } as const;

/**
 * Whether both sides computed the same thing: timings of different things are worth nothing.
 *
 * @param precision of the less exact side: tokens of bf16 need not be those of f32
 */
export function compareAnswers(ours: CheckAnswer, peer: CheckAnswer, precision: 'f32' | 'bf16'): Comparison[] {
  const comparisons = Object.entries(peer.numbers ?? {}).map(([what, theirs]) =>
    compareNumbers(what, ours.numbers?.[what] ?? [], theirs, tolerances[precision]),
  );
  if (peer.tokens) comparisons.push(compareTokens(ours.tokens ?? [], peer.tokens, precision));
  return comparisons;
}

function compareNumbers(what: string, ours: readonly number[], peer: readonly number[], tolerance: number): Comparison {
  const differences = peer.map((theirs, step) => relativeDifference(ours[step] ?? NaN, theirs));
  const largest = Math.max(0, ...differences); // NaN as soon as one of them is, and then not the same
  return {
    what,
    same: ours.length === peer.length && largest <= tolerance,
    detail: `${show(ours)}; peer ${show(peer)}: relative difference ${largest.toExponential(1)}`,
  };
}

/** 0 where both are 0, as gradient norms are where all rewards are equal. */
function relativeDifference(value: number, of: number): number {
  return value === of ? 0 : Math.abs(value - of) / Math.abs(of);
}

function show(values: readonly number[]): string {
  return values.map((value) => value.toPrecision(6)).join(', ');
}

function compareTokens(
  ours: readonly (readonly number[])[],
  peer: readonly (readonly number[])[],
  precision: 'f32' | 'bf16',
): Comparison {
  const equal = peer.filter((row, at) => row.join() === ours[at]?.join()).length;
  return {
    what: 'greedy tokens',
    same: ours.length === peer.length && (precision === 'bf16' || equal === peer.length),
    detail: `${equal} of ${peer.length} completions equal`,
  };
}
