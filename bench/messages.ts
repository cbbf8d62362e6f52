/** Answers of a contestant, one JSON line each on its file descriptor 3. */
export interface Ready {
  readonly versions: Readonly<Record<string, string>>;
}

/** One round: wall time and CPU time of all threads, of all its repetitions together. */
export interface Round {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/** Results that both sides must share. */
export interface CheckAnswer {
  /** Series of numbers, one a step. */
  readonly numbers?: Readonly<Record<string, readonly number[]>>;
  /** Greedy completions, `[rows][tokens]`. */
  readonly tokens?: readonly (readonly number[])[];
  /** What the peer sampled and scored, for ours to replay. */
  readonly rollouts?: readonly Rollout[];
}

/** One step's completions, those of a prompt side by side, `[prompts · group]`. */
export interface Rollout {
  readonly completionIds: readonly number[][];
  readonly rewards: readonly number[];
}

/** Commands to a contestant, one JSON line each on its stdin; a closed stdin ends it. */
export type Command =
  | { readonly command: 'check'; readonly peer?: CheckAnswer }
  | { readonly command: 'round'; readonly times: number };
