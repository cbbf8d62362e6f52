import type { CheckAnswer } from './messages.ts';

/** One result that both sides were asked for. */
export interface Comparison {
  readonly what: string;
  readonly same: boolean;
  readonly detail: string;
}

/** Sums in another order differ by about 1e-6; an update amplifies it a little. */
const tolerance = 1e-3;

/** Whether both sides computed the same thing: timings of different things are worth nothing. */
export function compareAnswers(ours: CheckAnswer, peer: CheckAnswer): Comparison[] {
  const comparisons = Object.entries(peer.numbers ?? {}).map(([what, theirs]) =>
    compareNumbers(what, ours.numbers?.[what] ?? [], theirs),
  );
  if (peer.tokens) comparisons.push(compareTokens(ours.tokens ?? [], peer.tokens));
  return comparisons;
}

function compareNumbers(what: string, ours: readonly number[], peer: readonly number[]): Comparison {
  const differences = peer.map((theirs, step) => Math.abs((ours[step] ?? NaN) - theirs) / Math.abs(theirs));
  const largest = Math.max(0, ...differences); // NaN as soon as one of them is, and then not the same
  return {
    what,
    same: ours.length === peer.length && largest <= tolerance,
    detail: `${show(ours)}; peer ${show(peer)}: relative difference ${largest.toExponential(1)}`,
  };
}

function show(values: readonly number[]): string {
  return values.map((value) => value.toPrecision(6)).join(', ');
}

function compareTokens(ours: readonly (readonly number[])[], peer: readonly (readonly number[])[]): Comparison {
  const equal = peer.filter((row, at) => row.join() === ours[at]?.join()).length;
  return {
    what: 'greedy tokens',
    same: ours.length === peer.length && equal === peer.length,
    detail: `${equal} of ${peer.length} completions equal`,
  };
}
