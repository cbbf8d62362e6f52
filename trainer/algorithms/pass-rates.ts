/** What is known of how often a prompt is answered right: counts of completions, which may be parts of one. */
export interface PassCount {
  readonly tries: number;
  readonly passes: number;
}

/** Nothing is known yet. */
export const untried: PassCount = { tries: 0, passes: 0 };

/** Pseudo-counts of Jeffreys' prior of a rate, Beta(½, ½): so that no prompt is given up after one group. */
const prior = 0.5;

/** What earlier groups say counts half as much with each new one, for the policy has moved on since. */
const memory = 0.5;

/** Takes in what a group of completions came to. */
export function remember(known: PassCount, group: PassCount): PassCount {
  return { tries: memory * known.tries + group.tries, passes: memory * known.passes + group.passes };
}

/** The posterior mean of the pass rate, in (0, 1); ½ where nothing is known. */
export function passRate({ tries, passes }: PassCount): number {
  return (passes + prior) / (tries + 2 * prior);
}

/**
 * How much a group of completions can be expected to teach: the variance of a right or wrong answer, p(1 − p), in the mean over what the
 * pass rate p may be,
 *
 *   E[p (1 − p)] = a b / ((a + b) (a + b + 1)),  p ~ Beta(a, b),  a = passes + ½,  b = tries − passes + ½
 *
 * in (0, ¼): 0.236 where half of 16 are right, 0.125 where nothing is known, 0.027 where none or all of 16 are.
 *
 * Source: the squared advantages of a group sum to this times its size where the reward is 1 or 0 (DeepSeekMath, arXiv:2402.03300, §4.1).
 */
export function expectedVariance({ tries, passes }: PassCount): number {
  const a = passes + prior;
  const b = tries - passes + prior;
  return (a * b) / ((a + b) * (a + b + 1));
}
