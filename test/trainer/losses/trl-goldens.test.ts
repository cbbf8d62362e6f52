import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { GrpoSettings } from '../../../trainer/contract/settings.ts';
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
import { policyMetrics } from '../../../trainer/losses/policy-metrics.ts';
import { oldProbsAtSequenceRatio } from '../../../trainer/losses/sequence-ratio.ts';
import { sequenceWeights } from '../../../trainer/losses/sequence-weights.ts';
import { runProgram } from '../../support/run-program.ts';

interface Golden {
  readonly maxNewTokens: number;
  readonly advantages: readonly number[];
  readonly logps: readonly (readonly number[])[];
  readonly oldLogps: readonly (readonly number[])[];
  readonly refLogps: readonly (readonly number[])[];
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
  readonly value: number;
  /** By the logarithm of each token's probability. */
  readonly gradient: readonly (readonly number[])[];
  readonly metrics: Readonly<Record<string, number>>;
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/policy-losses/golden.json', import.meta.url), 'utf8'),
) as Golden;

const probabilities = (logps: readonly (readonly number[])[]) => logps.map((row) => row.map(Math.exp));

function samplesOf({ loss }: Case) {
  const [probs, oldProbs, refProbs] = [golden.logps, golden.oldLogps, golden.refLogps].map(probabilities);
  const lengths = golden.logps.map((row) => row.length);
  const weights = sequenceWeights(lengths, { loss, maxNewTokens: golden.maxNewTokens });
  return golden.advantages.map((advantage, index) => {
    const [now, old] = [probs![index]!, oldProbs![index]!];
    return {
      probs: now,
      oldProbs: policyLossVariants[loss].ratio === 'sequence' ? oldProbsAtSequenceRatio(now, old) : old,
      refProbs: refProbs![index]!,
      advantage,
      weight: weights[index]!,
    };
  });
}

function settingsOf({ loss, low, high, dual, beta, biasCorrection = false }: Case): PolicyLossSettings {
  const { surrogate } = policyLossVariants[loss];
  const kl = { estimator: 'k3', biasCorrection } as const;
  return { clip: { low, high, dual }, klCoefficient: beta, form: { surrogate, kl } };
}

/** The loss as it is trained, and its gradient by the logarithm of each token's probability. */
async function trained(given: Case) {
  const [samples, settings] = [samplesOf(given), settingsOf(given)];
  const sequences = samples.map((sample) => ({ ...sample, promptIds: [1], completionIds: sample.probs.map(() => 1) }));
  const { inputs: feeds } = policyFeeds({ loss: 'policy', sequences, settings, temperature: 1 });
  const probs = samples.flatMap((sample) => sample.probs);
  const prob = input('prob', [probs.length]);
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { length }]) => [name, input(name, [length])]));
  const loss = policyLossGraph(prob, inputs as unknown as PolicyInputs, settings.form);
  const [slope] = gradients(loss, [prob]);
  const program = writeProgram([prob, ...Object.values(inputs)], { loss, slope: slope! });
  const results = await runProgram(program, { ...feeds, prob: probs });
  return { value: results['loss']![0]!, gradient: probs.map((p, index) => p * results['slope']![index]!) };
}

test.each(Object.entries(golden.cases))('%s: loss and gradient are those of TRL', async (_, given) => {
  const { value, gradient } = await trained(given);
  expect(Math.abs(value - given.value)).toBeLessThan(1e-5);
  const farthest = given.gradient.flat().map((expected, index) => Math.abs(expected - gradient[index]!));
  expect(Math.max(...farthest)).toBeLessThan(1e-5);
  expect(Math.abs(policyLoss(samplesOf(given), settingsOf(given)) - given.value)).toBeLessThan(1e-6);
});

test.each(Object.entries(golden.cases).filter(([, { loss }]) => loss !== 'gspo'))(
  '%s: KL and clip ratios are those of TRL',
  (_, given) => {
    const metrics = policyMetrics(samplesOf(given), settingsOf(given));
    const names = Object.keys(given.metrics).filter((name) => name in metrics && name !== 'entropy');
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(metrics[name]).toBeCloseTo(given.metrics[name]!, 6);
  },
);

test.each(['group', 'batch', 'none'] as const)('rewards are scaled by %s as in TRL', (scale) => {
  const advantages = groupAdvantages(golden.rewards, { scale, epsilon: 1e-4 });
  for (const [index, expected] of golden.scaledRewards[scale].flat().entries())
    expect(advantages.flat()[index]).toBeCloseTo(expected, 10);
});
