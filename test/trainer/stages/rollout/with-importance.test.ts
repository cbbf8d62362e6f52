import { expect, test } from '@jest/globals';
import { grpo } from '../../../../trainer/contract/settings/settings.ts';
import type { Policy } from '../../../../trainer/stages/policy/policy.ts';
import { withImportance } from '../../../../trainer/stages/rollout/with-importance.ts';

const settingsOf = (more: object) => grpo.parse({ prompts: ['sums'], steps: 4, rewards: [{ format: {} }], ...more });

/** Sampled by the learner, and by a worker that is a little off. */
const trained = [Float32Array.of(0.5, 0.25), Float32Array.of(0.5, 0.25, 0.125)];
const sampled = [trained[0]!, Float32Array.of(0.5, 0.125, 0.01)];
const completions = sampled.map((oldProbs) => ({
  promptIds: [1],
  completionIds: [...oldProbs].map(() => 2),
  oldProbs,
}));

/** @param passes counts those of the trainer */
function policyWith(passes: { count: number }): Policy {
  const tokenProbabilities = async () => {
    passes.count++;
    return trained;
  };
  return { engine: { tokenProbabilities } } as unknown as Policy;
}

test('samplers that are equal to the bit cost no pass, unless a rollout has several updates', async () => {
  const passes = { count: 0 };
  expect(await withImportance(settingsOf({}), policyWith(passes), completions)).toEqual({ completions, metrics: {} });
  expect(passes.count).toBe(0);
  const several = await withImportance(settingsOf({ stepsPerRollout: 2 }), policyWith(passes), completions);
  expect(several.completions).toBe(completions);
  expect(Object.keys(several.metrics)).toEqual([
    'sampling/sampling_logp_difference/mean',
    'sampling/sampling_logp_difference/max',
  ]);
});

test('where they may differ the probabilities are those of the trainer, and what the learner sampled counts once, to the bit', async () => {
  const settings = settingsOf({ rollout: { accept: 'mismatch' } });
  const { completions: corrected, metrics } = await withImportance(settings, policyWith({ count: 0 }), completions);
  expect(corrected.map(({ oldProbs }) => oldProbs)).toEqual(trained);
  expect(corrected.map(({ importance }) => [...importance!])).toEqual([
    [1, 1],
    [1, 2, 3], // 12.5, cut off at 3
  ]);
  expect(metrics).toMatchObject({
    'sampling/sampling_logp_difference/max': expect.closeTo(Math.log(12.5), 5),
    'sampling/importance_sampling_ratio/min': 1,
    'sampling/importance_sampling_ratio/mean': expect.closeTo(8 / 5, 6),
    'sampling/importance_sampling_ratio/max': 3,
  });
});

test('a ratio of the whole completion is that of each of its tokens', async () => {
  const rollout = { accept: 'mismatch', importanceSampling: { mode: 'sequence_mask', clipMax: 20 } };
  const { completions: corrected, metrics } = await withImportance(
    settingsOf({ rollout }),
    policyWith({ count: 0 }),
    completions,
  );
  expect(corrected.map(({ importance }) => [...importance!])).toEqual([
    [1, 1],
    [0, 0, 0], // 1 · 2 · 12.5
  ]);
  expect(metrics).toMatchObject({ 'sampling/importance_sampling_ratio/mean': 0.5 });
});
