import { expect, test } from '@jest/globals';
import { grpo } from '../../../trainer/contract/settings/settings.ts';
import { withAdvantages } from '../../../trainer/stages/rollout/rollout.ts';

const settings = grpo.parse({ prompts: ['sums'], steps: 1, rewards: [{ format: {} }], advantageEpsilon: 0 });

test.each([
  { name: 'two with a reward are compared', given: [1, 0, undefined], rewards: [1, 0, undefined], signs: [1, -1, 0] },
  {
    name: 'a lone one has nothing to be compared with and is left out as well',
    given: [1, undefined, undefined],
    rewards: [undefined, undefined, undefined],
    signs: [0, 0, 0],
  },
])('of a group, $name', ({ given, rewards, signs }) => {
  const group = given.map((reward) => ({ promptIds: [1], completionIds: [2], oldProbs: new Float32Array(1), reward }));
  const learned = withAdvantages(settings, [group]);
  expect(learned.map(({ reward }) => reward)).toEqual(rewards);
  expect(learned.map(({ advantage }) => Math.sign(advantage))).toEqual(signs);
});
