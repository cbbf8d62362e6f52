/** Why a completion has no score. It is never a wrong answer. */
export interface Unscored {
  /** `abstain`: the function gave null. `error`: it threw, gave something else, or its process ended. */
  readonly because: 'abstain' | 'timeout' | 'error';
  readonly message: string;
}

export const unscoredReasons = ['abstain', 'timeout', 'error'] as const satisfies readonly Unscored['because'][];

export type Score = number | Unscored;
