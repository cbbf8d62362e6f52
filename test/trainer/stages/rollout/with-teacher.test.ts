import { expect, test } from '@jest/globals';
import { grpo } from '../../../../trainer/contract/settings/settings.ts';
import type { RolloutRequest } from '../../../../trainer/stages/rollout/draw-groups.ts';
import type { Policy } from '../../../../trainer/stages/policy/policy.ts';
import { withTeacher } from '../../../../trainer/stages/rollout/with-teacher.ts';

const completions = [{ promptIds: [1], completionIds: [2, 3], oldProbs: Float32Array.of(0.5, 0.25) }];

/** A model that finds tokens as likely as it is told. */
function model(vocabularySize: number, probs: readonly number[] = []): Policy {
  const tokenProbabilities = async () => [Float32Array.from(probs)];
  return { config: { vocabularySize }, engine: { tokenProbabilities } } as unknown as Policy;
}

function taught(teacher: Policy) {
  const distillation = { from: 'large', coefficient: 2 };
  const settings = grpo.parse({ prompts: ['sums'], steps: 1, rewards: [{ format: {} }], distillation });
  const request = { settings, teacher: async () => teacher } as unknown as RolloutRequest;
  return withTeacher(request, model(50), completions);
}

test('a token has the more in its advantage the likelier the teacher finds it', async () => {
  const { completions: learned, metrics } = await taught(model(50, [0.25, 0.5]));
  expect([...(learned[0]?.tokenAdvantages ?? [])]).toEqual([-2, 2].map((sign) => Math.fround(sign * Math.LN2)));
  expect(metrics['teacher_kl']).toBeCloseTo(0, 12);
});

test('a teacher with other tokens is refused', async () => {
  await expect(taught(model(64))).rejects.toThrow(
    'grpo.distillation.from: the model of large has a vocabulary of 64 tokens, expected that of the policy, of 50',
  );
});
