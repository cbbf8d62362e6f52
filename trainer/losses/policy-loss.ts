import { type Value, scalar } from '../graph/value.ts';
import { add, equal, multiply, subtract, where } from '../ops/elementwise.ts';
import { sum } from '../ops/reduction.ts';
import { boundedRatio } from './bounded-ratio.ts';
import { type KlEstimator, klEstimates } from './kl-estimates.ts';
import { type Clip, noDualClip, type SurrogateName, surrogates } from './surrogates.ts';

/**
 * The policy loss of GRPO and its variants: what a token costs by its ratio, a KL penalty, and a bonus for entropy,
 *
 *   Σ weight · (surrogate(π/π_old, A) + β · kl(π, π_ref)) − entropyWeight · H(π)
 *
 * Each formula stands twice, side by side (surrogates.ts, kl-estimates.ts): `graph` builds what is trained, `number` computes the same in
 * double precision, for the metrics and as the oracle of the tests. What is passed around are probabilities, not their logarithms: equal
 * bits of two probabilities then give a ratio of exactly 1, and the logarithm is the one function whose bits depend on the length of an
 * array.
 *
 * A new term needs an entry of `tokenInputs` or `settingInputs`, and its two formulas side by side.
 */

/** What the loss needs of a completion. */
export interface PolicySample {
  /** Of each token, under the policy that sampled it. */
  readonly oldProbs: ArrayLike<number>;
  /** Of each token, under the reference policy; not needed where the KL coefficient is 0. */
  readonly refProbs?: ArrayLike<number> | undefined;
  /** Of the completion, or of each token. */
  readonly advantage: ArrayLike<number> | number;
  /** Of each token, from `sequenceWeights`; 0 leaves the completion out. */
  readonly weight: number;
  /** Of each token; 0 when absent. */
  readonly entropyWeight?: ArrayLike<number> | number | undefined;
}

/** Of which formulas a graph of the loss is made; each form is a program of its own. */
export interface PolicyLossForm {
  readonly surrogate: SurrogateName;
  readonly kl: {
    readonly estimator: KlEstimator;
    /**
     * Times the ratio, so that the estimate and its gradient hold for the policy that is trained, not the one that sampled: DeepSeek-V3.2,
     * arXiv:2512.02556, §3.1; `use_bias_correction_kl` of TRL.
     */
    readonly biasCorrection: boolean;
  };
  /** Less the entropy of each token's distribution, times its `entropyWeight`. */
  readonly entropy: boolean;
}

export const plainForm: PolicyLossForm = {
  surrogate: 'clipped',
  kl: { estimator: 'k3', biasCorrection: false },
  entropy: false,
};

export interface PolicyLossSettings {
  readonly clip: Clip;
  readonly klCoefficient: number;
  /** `plainForm` when absent. */
  readonly form?: PolicyLossForm | undefined;
}

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
  entropyWeight: { padding: 0, of: ({ entropyWeight = 0 }) => entropyWeight },
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

/**
 * The loss in a graph, shape `[]`.
 *
 * @param prob π, `[n]`
 * @param options.entropies H(π), `[n]`; none where the form has no entropy
 */
export function policyLossGraph(
  prob: Value,
  inputs: PolicyInputs,
  { form = plainForm, entropies }: { form?: PolicyLossForm | undefined; entropies?: Value | undefined } = {},
): Value {
  const { weight, klCoefficient } = inputs;
  const leftOut = equal(weight, scalar(0));
  // A left-out position counts as probability 1, so that padding can bring no 0 ÷ 0 into the sum.
  const trained = (value: Value): Value => where(leftOut, scalar(1), value);
  const p = trained(prob);
  const ratio = boundedRatio.graph(p, trained(inputs.oldProb));
  const estimate = klEstimates[form.kl.estimator].graph(p, trained(inputs.refProb));
  const kl = form.kl.biasCorrection ? multiply(estimate, ratio) : estimate;
  const cost = add(surrogates[form.surrogate].graph(ratio, p, inputs), multiply(kl, klCoefficient));
  const loss = sum(multiply(weight, cost));
  return entropies ? subtract(loss, sum(multiply(inputs.entropyWeight, entropies))) : loss;
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
  readonly advantage: number;
  readonly surrogate: number;
  /** The estimate of the KL to the reference; absent without reference probabilities. */
  readonly kl: number | undefined;
}

/** The parts of the loss at every trained token, in double precision. @throws Error if a probability is missing */
export function* tokenLosses(
  { probs, ...sample }: TrainedSample,
  { clip, form = plainForm }: Omit<PolicyLossSettings, 'klCoefficient'>,
): Generator<TokenLoss> {
  if (sample.weight === 0) return;
  for (const [name, { length }] of Object.entries({ oldProbs: sample.oldProbs, refProbs: sample.refProbs ?? probs })) {
    if (length !== probs.length)
      throw new Error(`${name} has ${length} numbers, expected one a token: ${probs.length}`);
  }
  const surrogate = surrogates[form.surrogate].number;
  const estimate = klEstimates[form.kl.estimator].number;
  for (let t = 0; t < probs.length; t++) {
    const [prob, oldProb, refProb] = [probs[t] as number, sample.oldProbs[t] as number, sample.refProbs?.[t]];
    const ratio = boundedRatio.number(prob, oldProb);
    const advantage = typeof sample.advantage === 'number' ? sample.advantage : (sample.advantage[t] as number);
    yield {
      prob,
      ratio,
      advantage,
      surrogate: surrogate(ratio, prob, advantage, clip),
      kl: refProb === undefined ? undefined : estimate(prob, refProb) * (form.kl.biasCorrection ? ratio : 1),
    };
  }
}

/** The loss that the graph computes, but for the entropy, in double precision. */
export function policyLoss(samples: readonly TrainedSample[], settings: PolicyLossSettings): number {
  let loss = 0;
  for (const sample of samples) {
    for (const { surrogate: cost, kl = 0 } of tokenLosses(sample, settings)) {
      loss += sample.weight * (cost + settings.klCoefficient * kl);
    }
  }
  return loss;
}
