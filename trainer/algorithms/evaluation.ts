import { mean, meanWithError } from './statistics.ts';

/** One graded completion of an evaluation prompt. */
export interface GradedSample {
  readonly correct: boolean;
  /** A spelling that equal answers share; absent if there is no answer to vote for. */
  readonly vote?: string | undefined;
}

/**
 * Probability that at least one of k completions is right, estimated from n of which c are:
 * `1 − C(n−c, k) / C(n, k)`. Source: Chen et al., arXiv:2107.03374, equation 1.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (k < 1 || k > n) throw new RangeError(`pass@${k} of ${n} completions: expected 1 to ${n}`);
  let allWrong = 1;
  for (let i = 0; i < k; i++) allWrong *= Math.max(0, n - c - i) / (n - i);
  return 1 - allWrong;
}

/** Whether the most frequent answer is right; tied answers count by the share of them that are. No answer at all is 0. */
export function consAtK(samples: readonly GradedSample[]): number {
  const votes = new Map<string, { count: number; correct: boolean }>();
  for (const { vote, correct } of samples) {
    if (vote === undefined) continue;
    votes.set(vote, { count: (votes.get(vote)?.count ?? 0) + 1, correct });
  }
  const most = Math.max(0, ...Array.from(votes.values(), ({ count }) => count));
  return mean([...votes.values()].filter(({ count }) => count === most).map(({ correct }) => (correct ? 1 : 0)));
}

/**
 * `eval/pass@1` (mean over all samples) with its standard error, in which a prompt and not a sample is the independent
 * unit, the number of prompts `eval/prompts`, and with k > 1 samples a prompt `eval/pass@k` and `eval/cons@k`.
 *
 * @param prompts samples of each prompt that a verifier could judge, 1 to k; of fewer than k, pass@k and cons@k are of those
 * @param k completions that each prompt had
 */
export function evaluationMetrics(prompts: readonly (readonly GradedSample[])[], k: number): Record<string, number> {
  const pass1 = meanWithError(prompts.map((samples) => mean(samples.map(({ correct }) => (correct ? 1 : 0)))));
  const metrics = {
    'eval/pass@1': pass1.mean,
    'eval/pass@1_stderr': pass1.standardError,
    'eval/prompts': prompts.length,
  };
  if (k < 2) return metrics;
  const passed = prompts.map((samples) => {
    const right = samples.filter(({ correct }) => correct).length;
    return passAtK(samples.length, right, Math.min(k, samples.length));
  });
  return { ...metrics, [`eval/pass@${k}`]: mean(passed), [`eval/cons@${k}`]: mean(prompts.map(consAtK)) };
}
