import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { grpo, type GrpoSettings } from '../../../trainer/contract/settings/settings.ts';
import { policyFeeds } from '../../../trainer/engine/feeds.ts';
import { input } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { gradients } from '../../../trainer/autodiff/reverse.ts';
import { groupAdvantages } from '../../../trainer/losses/group-advantages.ts';
import {
  policyLoss,
  policyLossGraph,
  type PolicyInputs,
  type PolicyLossSettings,
} from '../../../trainer/losses/policy-loss.ts';
import { policyLossVariants } from '../../../trainer/losses/policy-loss-variants.ts';
import {
  importanceMetrics,
  importanceRatios,
  type ImportanceSampling,
} from '../../../trainer/losses/importance-sampling.ts';
import { policyMetrics, samplingLogpDifference } from '../../../trainer/losses/policy-metrics.ts';
import { oldProbsAtSequenceRatio } from '../../../trainer/losses/sequence-ratio.ts';
import { sequenceWeights } from '../../../trainer/losses/sequence-weights.ts';
import type { Policy } from '../../../trainer/stages/policy/policy.ts';
import { entropyTerms } from '../../../trainer/stages/rollout/with-entropy.ts';
import { runProgram } from '../../support/run-program.ts';

interface Golden {
  readonly maxNewTokens: number;
  readonly advantages: readonly number[];
  readonly logps: readonly (readonly number[])[];
  readonly oldLogps: readonly (readonly number[])[];
  readonly refLogps: readonly (readonly number[])[];
  readonly samplingLogps: readonly (readonly number[])[];
  readonly entropies: readonly (readonly number[])[];
  readonly cases: Readonly<Record<string, Case>>;
  readonly rewards: readonly (readonly number[])[];
  readonly scaledRewards: Readonly<Record<'group' | 'batch' | 'none', readonly (readonly number[])[]>>;
}

interface Case {
  readonly loss: GrpoSettings['loss'];
  readonly low: number;
  readonly high: number;
  readonly dual?: number;
  readonly beta: number;
  readonly biasCorrection?: boolean;
  readonly entropyCoefficient?: number;
  readonly topQuantile?: number;
  readonly importance?: ImportanceSampling;
  readonly value: number;
  /** By the logarithm of each token's probability. */
  readonly gradient: readonly (readonly number[])[];
  readonly entropyGradient?: readonly (readonly number[])[];
  readonly metrics: Readonly<Record<string, number>>;
}

function farthest(expected: readonly number[], found: ArrayLike<number>): number {
  return Math.max(...expected.map((value, index) => Math.abs(value - found[index]!)));
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/policy-losses/golden.json', import.meta.url), 'utf8'),
) as Golden;

const probabilities = (logps: readonly (readonly number[])[]) =>
  logps.map((row) => Float32Array.from(row, (logp) => Math.exp(logp)));

/** A policy that knows the entropies of the batch alone. */
const policy = {
  engine: { tokenEntropies: async () => golden.entropies.map((row) => Float32Array.from(row)) },
} as unknown as Policy;

/** Of each completion. */
function ratiosOf(importance: ImportanceSampling) {
  const sampling = probabilities(golden.samplingLogps);
  return probabilities(golden.oldLogps).map((probs, index) =>
    importanceRatios({ probs, samplingProbs: sampling[index]! }, importance),
  );
}

async function samplesOf({ loss, entropyCoefficient = 0, topQuantile = 1, importance }: Case) {
  const [probs, oldProbs, refProbs] = [golden.logps, golden.oldLogps, golden.refLogps].map(probabilities);
  const ratios = importance && ratiosOf(importance);
  const lengths = golden.logps.map((row) => row.length);
  const weights = sequenceWeights(lengths, { loss, maxNewTokens: golden.maxNewTokens });
  const completions = golden.advantages.map((advantage, index) => {
    const [now, old] = [probs![index]!, oldProbs![index]!];
    return {
      promptIds: [1],
      completionIds: [...now].map(() => 1),
      probs: now,
      oldProbs: policyLossVariants[loss].ratio === 'sequence' ? oldProbsAtSequenceRatio(now, old) : old,
      refProbs: refProbs![index]!,
      ...(ratios && { importance: now.map((_, token) => ratios[index]![token] ?? ratios[index]![0]!) }),
      reward: 0,
      advantage,
      weight: weights[index]!,
    };
  });
  const entropy = { coefficient: entropyCoefficient, topQuantile };
  const settings = grpo.parse({ prompts: ['sums'], steps: 1, rewards: [{ format: {} }], entropy });
  const { focus } = await entropyTerms(settings, policy, completions);
  return completions.map((completion) => ({ ...focus(completion), probs: completion.probs }));
}

function settingsOf({ loss, low, high, dual, beta, biasCorrection = false, ...given }: Case): PolicyLossSettings {
  const { surrogate } = policyLossVariants[loss];
  const kl = { estimator: 'k3', biasCorrection } as const;
  const form = { surrogate, kl, entropy: given.entropyCoefficient !== undefined };
  return { clip: { low, high, dual }, klCoefficient: beta, form };
}

/** The loss as it is trained, and its gradient by the logarithm of each token's probability and by its entropy. */
async function trained(given: Case) {
  const [sequences, settings] = [await samplesOf(given), settingsOf(given)];
  const { inputs: feeds } = policyFeeds({ loss: 'policy', sequences, settings, temperature: 1 });
  const probs = sequences.flatMap((sequence) => [...sequence.probs]);
  const [prob, entropies] = [input('prob', [probs.length]), input('entropies', [probs.length])];
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { length }]) => [name, input(name, [length])]));
  const { form } = settings;
  const loss = policyLossGraph(prob, inputs as unknown as PolicyInputs, {
    form,
    ...(form?.entropy && { entropies }),
  });
  const [slope, ofEntropy] = gradients(loss, form?.entropy ? [prob, entropies] : [prob]);
  const program = writeProgram([prob, entropies, ...Object.values(inputs)], {
    loss,
    slope: slope!,
    ...(ofEntropy && { ofEntropy }),
  });
  const results = await runProgram(program, { ...feeds, prob: probs, entropies: golden.entropies.flat() });
  return {
    value: results['loss']![0]!,
    gradient: probs.map((p, index) => p * results['slope']![index]!),
    entropyGradient: results['ofEntropy'],
  };
}

test.each(Object.entries(golden.cases))('%s: loss and gradient are those of TRL', async (_, given) => {
  const { value, gradient, entropyGradient } = await trained(given);
  expect(Math.abs(value - given.value)).toBeLessThan(1e-5);
  expect(farthest(given.gradient.flat(), gradient)).toBeLessThan(1e-5);
  const { entropyCoefficient: coefficient = 0 } = given;
  if (coefficient > 0) expect(farthest(given.entropyGradient!.flat(), entropyGradient!)).toBeLessThan(1e-5);
  // The double-precision loss leaves the bonus out, which is linear in the entropies.
  const bonus = given.entropyGradient?.flat().map((slope, index) => slope * golden.entropies.flat()[index]!) ?? [];
  const inDouble = bonus.reduce((sum, part) => sum + part, policyLoss(await samplesOf(given), settingsOf(given)));
  expect(Math.abs(inDouble - given.value)).toBeLessThan(1e-6);
});

test.each(
  // TRL counts tokens that are masked, too.
  Object.entries(golden.cases).filter(
    ([, { loss, topQuantile, importance }]) =>
      loss !== 'gspo' && topQuantile === undefined && !importance?.mode.endsWith('mask'),
  ),
)('%s: KL and clip ratios are those of TRL', async (_, given) => {
  const metrics = policyMetrics(await samplesOf(given), settingsOf(given));
  const names = Object.keys(given.metrics).filter((name) => name in metrics && name !== 'entropy');
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(metrics[name]).toBeCloseTo(given.metrics[name]!, 6);
});

test.each(
  Object.values(golden.cases).flatMap(({ importance, metrics }) => (importance ? [{ importance, metrics }] : [])),
)('the figures of what was sampled elsewhere are those of TRL: $importance', ({ importance, metrics }) => {
  const [probs, oldProbs] = [golden.oldLogps, golden.samplingLogps].map(probabilities);
  const found = {
    ...samplingLogpDifference(probs!.map((now, index) => ({ probs: now, oldProbs: oldProbs![index]! }))),
    ...importanceMetrics(ratiosOf(importance).flat()),
  };
  for (const [name, value] of Object.entries(found))
    expect([name, value]).toEqual([name, expect.closeTo(metrics[name]!, 5)]);
});

test.each(['group', 'batch', 'none'] as const)('rewards are scaled by %s as in TRL', (scale) => {
  const advantages = groupAdvantages(golden.rewards, { scale, epsilon: 1e-4 });
  for (const [index, expected] of golden.scaledRewards[scale].flat().entries())
    expect(advantages.flat()[index]).toBeCloseTo(expected, 10);
});
