// A reward of one's own: docs/rewards.md. An answer that is nearly right is worth something, which the accuracy reward does not see.

interface Sample {
  readonly completion: string;
  readonly answer?: string;
}

/** 1 for the sum itself, less the farther the answer is from it, 0 without one. */
export function grade({ completion, answer }: Sample): number | null {
  const gold = Number(answer);
  if (!Number.isFinite(gold)) return null; // nothing to compare with: no score, which is not the same as wrong
  const [, found] = /<answer>\s*(\d+)\s*<\/answer>\s*$/.exec(completion) ?? [];
  return found === undefined ? 0 : 1 / (1 + Math.abs(Number(found) - gold));
}
