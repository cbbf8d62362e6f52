import { type Value, scalar } from '../graph/value.ts';
import { smallestProbability } from '../nn/token-probability.ts';
import { add, divide, equal, log, maximum, minimum, multiply, negate, subtract, where } from '../ops/elementwise.ts';
import { sum } from '../ops/reduction.ts';

/**
 * The policy loss of GRPO, DAPO and Dr. GRPO: a clipped ratio and a KL penalty,
 *
 *   Σ weight · (surrogate(π/π_old, A) + β · k3(π, π_ref))
 *
 * Each formula stands here twice, side by side: `graph` builds what is trained, `number` computes the same in double precision, for the
 * metrics and as the oracle of the tests. What is passed around are probabilities, not their logarithms: equal bits of two
 * probabilities then give a ratio of exactly 1, and the logarithm is the one function whose bits depend on the length of an array.
 *
 * A new term needs an entry of `tokenInputs` or `settingInputs` and its two formulas, all in this file.
 */

/** What the loss needs of a completion. */
export interface PolicySample {
  /** Of each token, under the policy that sampled it. */
  readonly oldProbs: ArrayLike<number>;
  /** Of each token, under the reference policy; not needed where the KL coefficient is 0. */
  readonly refProbs?: ArrayLike<number> | undefined;
  readonly advantage: number;
  /** Of each token, from `sequenceWeights`; 0 leaves the completion out. */
  readonly weight: number;
}

export interface PolicyLossSettings {
  readonly clip: {
    /** The ratio is clipped below 1 − low. */
    readonly low: number;
    /** The ratio is clipped above 1 + high. */
    readonly high: number;
    /** Where the advantage is negative, the ratio is clipped above this as well; greater than 1. */
    readonly dual?: number | undefined;
  };
  readonly klCoefficient: number;
}

/** Log-ratios beyond ±20 and k3 above 10 count as that, and have no gradient, as in verl's `core_algos` (PPO loss and `low_var_kl`). */
const [leastRatio, greatestRatio] = [Math.exp(-20), Math.exp(20)];
const greatestK3 = 10;

/** Without a dual clip nothing is clipped there. Finite, for 0 · ∞ would be no number. */
const noDualClip = 3e38;

interface TokenInput {
  /** What stands where there is no token. */
  readonly padding: number;
  /** One number a token, or one for all tokens of the completion. */
  readonly of: (this: void, sample: PolicySample, settings: PolicyLossSettings) => ArrayLike<number> | number;
}

/** Inputs of the graph with one number a token. */
export const tokenInputs = {
  weight: { padding: 0, of: ({ weight }) => weight },
  advantage: { padding: 0, of: ({ advantage }) => advantage },
  oldProb: { padding: 1, of: ({ oldProbs }) => oldProbs },
  refProb: {
    padding: 1,
    of: ({ refProbs, oldProbs }, { klCoefficient }) => {
      if (refProbs) return refProbs;
      if (klCoefficient > 0) throw new Error('the KL term needs the probabilities of the reference policy');
      return oldProbs; // any will do, times 0
    },
  },
} as const satisfies Record<string, TokenInput>;

/** Inputs of the graph with one number in all. */
export const settingInputs = {
  ratioLow: ({ clip }) => 1 - clip.low,
  ratioHigh: ({ clip }) => 1 + clip.high,
  dualClip: ({ clip }) => clip.dual ?? noDualClip,
  klCoefficient: ({ klCoefficient }) => klCoefficient,
} as const satisfies Record<string, (settings: PolicyLossSettings) => number>;

/** The inputs in a graph: `[n]` those of tokens, `[1]` those of settings. */
export type PolicyInputs = Readonly<Record<keyof typeof tokenInputs | keyof typeof settingInputs, Value>>;

type Clip = PolicyLossSettings['clip'];

/** π ÷ π_old, or π_ref ÷ π, within e⁻²⁰ … e²⁰. */
const boundedRatio = {
  graph: (prob: Value, other: Value): Value =>
    minimum(
      maximum(divide(prob, maximum(other, scalar(smallestProbability))), scalar(leastRatio)),
      scalar(greatestRatio),
    ),
  number: (prob: number, other: number): number =>
    Math.min(Math.max(prob / Math.max(other, smallestProbability), leastRatio), greatestRatio),
};

/**
 * `−max(min(r·A, clip(r)·A), dual·min(A, 0))`, r = π/π_old. Sources: PPO, arXiv:1707.06347, equation 7; the second bound, which
 * keeps a token that has become much more likely from dominating where the advantage is negative: Ye et al., arXiv:1912.09729, §3.3.
 */
const surrogate = {
  graph(ratio: Value, { advantage, ratioLow, ratioHigh, dualClip }: PolicyInputs): Value {
    const clipped = minimum(maximum(ratio, ratioLow), ratioHigh);
    const pessimistic = minimum(multiply(ratio, advantage), multiply(clipped, advantage));
    return negate(maximum(pessimistic, multiply(minimum(advantage, scalar(0)), dualClip)));
  },
  number(ratio: number, advantage: number, { low, high, dual = noDualClip }: Clip): number {
    const clipped = Math.min(1 + high, Math.max(1 - low, ratio));
    return -Math.max(Math.min(ratio * advantage, clipped * advantage), dual * Math.min(advantage, 0));
  },
};

/**
 * The k3 estimate of KL(π ‖ π_ref) at one token, `r − log r − 1`, r = π_ref/π: never negative, 0 where the two agree.
 * Source: Schulman, "Approximating KL divergence", 2020.
 */
const boundedK3 = {
  graph(prob: Value, refProb: Value): Value {
    const ratio = boundedRatio.graph(refProb, prob);
    return minimum(subtract(subtract(ratio, log(ratio)), scalar(1)), scalar(greatestK3));
  },
  number(prob: number, refProb: number): number {
    const ratio = boundedRatio.number(refProb, prob);
    return Math.min(ratio - Math.log(ratio) - 1, greatestK3);
  },
};

/**
 * The loss in a graph, shape `[]`.
 *
 * @param prob π, `[n]`
 */
export function policyLossGraph(prob: Value, inputs: PolicyInputs): Value {
  const { weight, klCoefficient } = inputs;
  const leftOut = equal(weight, scalar(0));
  // A left-out position counts as probability 1, so that padding can bring no 0 ÷ 0 into the sum.
  const trained = (value: Value): Value => where(leftOut, scalar(1), value);
  const p = trained(prob);
  const ratio = boundedRatio.graph(p, trained(inputs.oldProb));
  const kl = boundedK3.graph(p, trained(inputs.refProb));
  return sum(multiply(weight, add(surrogate.graph(ratio, inputs), multiply(kl, klCoefficient))));
}

/** A completion after the training pass. */
export type TrainedSample = PolicySample & {
  /** Of each token, under the policy that is trained. */
  readonly probs: ArrayLike<number>;
};

/** What the loss and its metrics say of one token. */
export interface TokenLoss {
  readonly prob: number;
  readonly ratio: number;
  readonly surrogate: number;
  /** Absent without reference probabilities. */
  readonly k3: number | undefined;
}

/** The parts of the loss at every trained token, in double precision. @throws Error if a probability is missing */
export function* tokenLosses({ probs, ...sample }: TrainedSample, clip: Clip): Generator<TokenLoss> {
  if (sample.weight === 0) return;
  for (const [name, { length }] of Object.entries({ oldProbs: sample.oldProbs, refProbs: sample.refProbs ?? probs })) {
    if (length !== probs.length)
      throw new Error(`${name} has ${length} numbers, expected one a token: ${probs.length}`);
  }
  for (let t = 0; t < probs.length; t++) {
    const [prob, oldProb, refProb] = [probs[t] as number, sample.oldProbs[t] as number, sample.refProbs?.[t]];
    const ratio = boundedRatio.number(prob, oldProb);
    yield {
      prob,
      ratio,
      surrogate: surrogate.number(ratio, sample.advantage, clip),
      k3: refProb === undefined ? undefined : boundedK3.number(prob, refProb),
    };
  }
}

/** The loss that the graph computes, in double precision. */
export function policyLoss(samples: readonly TrainedSample[], { clip, klCoefficient }: PolicyLossSettings): number {
  let loss = 0;
  for (const sample of samples) {
    for (const { surrogate: cost, k3 = 0 } of tokenLosses(sample, clip)) {
      loss += sample.weight * (cost + klCoefficient * k3);
    }
  }
  return loss;
}
