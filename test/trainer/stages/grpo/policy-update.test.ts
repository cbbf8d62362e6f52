import { expect, test } from '@jest/globals';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import type { TrainingBatch } from '../../../../trainer/engine/engine.ts';
import type { Policy } from '../../../../trainer/stages/policy/policy.ts';
import { updatePolicy } from '../../../../trainer/stages/grpo/policy-update.ts';
import type { LearnableCompletion } from '../../../../trainer/stages/rollout/rollout.ts';
import { tokenIds } from '../../../support/random-model.ts';
import { stepSettings, tinyEngine } from '../../engine/tiny-engine.ts';
import { parametersOf } from '../../../support/flat-parameters.ts';

const completion = (index: number, advantage: number, reward?: number): LearnableCompletion => ({
  promptIds: tokenIds(5, 50, index),
  completionIds: tokenIds(4 + index, 50, index + 7),
  oldProbs: Float32Array.from({ length: 4 + index }, () => 0.02),
  refProbs: Float32Array.from({ length: 4 + index }, () => 0.02),
  reward,
  advantage,
});

/** One whose group has a signal, one whose group scores alike, one that nobody could judge. */
const completions = [completion(0, 1, 1), completion(1, 0, 1), completion(2, 0), completion(3, -1, 0)];

function settingsWith(kl: number, more: object = {}) {
  const grpo = {
    prompts: ['sums'],
    steps: 1,
    rewards: [{ format: {} }],
    promptsPerStep: 2,
    group: 2,
    kl: { coefficient: kl },
  };
  const settings = stageSettings.parse({ grpo: { ...grpo, ...more } }).grpo;
  if (!settings) throw new Error('expected settings of grpo');
  return settings;
}

/** Places of the completions that a step trains, and its metrics. */
async function update(kl: number, given = completions, more: object = {}) {
  let trained: readonly LearnableCompletion[] = [];
  const policy = {
    async train(batch: TrainingBatch) {
      trained = batch.loss === 'policy' ? (batch.sequences as unknown as LearnableCompletion[]) : [];
      return { loss: 0, gradNorm: 0, probs: trained.map(({ oldProbs }) => oldProbs.map(() => 0.5)) };
    },
  } as unknown as Policy;
  const metrics = await updatePolicy(settingsWith(kl, more), policy, given, 0);
  return { trained: trained.map(({ promptIds }) => given.findIndex((one) => one.promptIds === promptIds)), metrics };
}

test.each([
  { name: 'without a KL term those without an advantage are left out', kl: 0, given: completions, trained: [0, 3] },
  { name: 'a KL term pulls at all that were judged', kl: 0.1, given: completions, trained: [0, 1, 3] },
  {
    name: 'a step without any signal trains one, for the optimizer’s sake',
    kl: 0,
    given: completions.slice(1, 3),
    trained: [0],
  },
])('$name', async ({ kl, given, trained }) => {
  expect((await update(kl, given)).trained).toEqual(trained);
});

test('the entropy is that of all judged completions where the policy is the one that sampled them', async () => {
  const [own, others] = [completions[0], completions[3]].map((one) => one?.completionIds.length ?? 0);
  const tokens = (own ?? 0) + (others ?? 0);
  const left = completions[1]?.completionIds.length ?? 0;
  const { metrics } = await update(0);
  expect(metrics['entropy']).toBeCloseTo((tokens * Math.log(2) + left * Math.log(50)) / (tokens + left), 4);
  const later = await update(0, completions, { epochsPerRollout: 2 });
  expect(later.metrics['entropy']).toBeCloseTo(Math.log(2), 6);
});

const batch = (members: readonly LearnableCompletion[]): TrainingBatch => ({
  loss: 'policy',
  temperature: 1,
  settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
  sequences: members.map((one) => ({ ...one, weight: 0.01 })),
});

test('what is left out changes the weights by rounding alone', async () => {
  const weights: Float32Array[] = [];
  for (const members of [completions, completions.filter(({ advantage }) => advantage !== 0)]) {
    // oxlint-disable-next-line no-await-in-loop -- one engine after the other
    const engine = await tinyEngine({ optimizer: true });
    // oxlint-disable-next-line no-await-in-loop -- likewise
    await engine.step(batch(members), { ...stepSettings, learningRate: 1e-3 });
    // oxlint-disable-next-line no-await-in-loop -- likewise
    weights.push(await parametersOf(engine));
  }
  const [all, some] = weights as [Float32Array, Float32Array];
  const farthest = all.reduce((most, value, at) => Math.max(most, Math.abs(value - (some[at] as number))), 0);
  expect(farthest).toBeLessThan(1e-6);
});
