import { type Value, composite, scalar } from '../graph/value.ts';
import { smallestProbability } from '../nn/token-probability.ts';
import { boundedLog } from './bounded-ratio.ts';
import { log, maximum, minimum, multiply, negate } from '../ops/elementwise.ts';

/** Where the ratio r = π/π_old is clipped. */
export interface Clip {
  /** Below 1 − low; `cispo` has no bound there. */
  readonly low: number;
  /** Above 1 + high. */
  readonly high: number;
  /** Where the advantage is negative, above this as well; greater than 1. `cispo` has none. */
  readonly dual?: number | undefined;
}

/** Without a dual clip nothing is clipped there. Finite, for 0 · ∞ would be no number. */
export const noDualClip = 3e38;

/** `[n]` those of tokens, `[1]` those of settings. */
type SurrogateInputs = Readonly<Record<'advantage' | 'ratioLow' | 'ratioHigh' | 'dualClip', Value>>;

interface Surrogate {
  readonly graph: (ratio: Value, prob: Value, inputs: SurrogateInputs) => Value;
  readonly number: (ratio: number, prob: number, advantage: number, clip: Clip) => number;
}

/**
 * `−max(min(r·A, clip(r)·A), dual·min(A, 0))`. Sources: PPO, arXiv:1707.06347, equation 7; the second bound, which
 * keeps a token that has become much more likely from dominating where the advantage is negative: Ye et al., arXiv:1912.09729, §3.3.
 */
const clipped: Surrogate = {
  graph(ratio, _, { advantage, ratioLow, ratioHigh, dualClip }) {
    const bounded = minimum(maximum(ratio, ratioLow), ratioHigh);
    const pessimistic = minimum(multiply(ratio, advantage), multiply(bounded, advantage));
    return negate(maximum(pessimistic, multiply(minimum(advantage, scalar(0)), dualClip)));
  },
  number(ratio, _, advantage, { low, high, dual = noDualClip }) {
    const bounded = Math.min(1 + high, Math.max(1 - low, ratio));
    return -Math.max(Math.min(ratio * advantage, bounded * advantage), dual * Math.min(advantage, 0));
  },
};

/**
 * `−min(r, 1 + high)·A·log π`, the first factor without a gradient: every token keeps its own, and no more than bounded weight.
 * Source: MiniMax-M1, arXiv:2506.13585, equations 4 and 5, without a lower bound as in its experiments.
 */
const cispo: Surrogate = {
  graph(ratio, prob, { advantage, ratioHigh }) {
    const weight = multiply(withoutGradient(minimum(ratio, ratioHigh)), advantage);
    return negate(multiply(weight, log(maximum(prob, scalar(smallestProbability)))));
  },
  number: (ratio, prob, advantage, { high }) => -Math.min(ratio, 1 + high) * advantage * boundedLog(prob),
};

/** What a token costs by its ratio and its advantage A. */
export const surrogates = { clipped, cispo } as const;
export type SurrogateName = keyof typeof surrogates;

function withoutGradient(value: Value): Value {
  return composite('WithoutGradient', [], [value], () => [])[0] as Value;
}
