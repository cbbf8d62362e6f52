import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { createRewards } from '../../../trainer/rewards/create-rewards.ts';
import { shuffledRewards } from '../../../trainer/rewards/shuffled-rewards.ts';

const row: Row = {
  id: 'sums/1',
  dataset: 'sums',
  domain: 'reasoning',
  messages: [],
  answer: { kind: 'number', in: 'answerTag', gold: '7' },
};
const completions = Array.from({ length: 64 }, (_, at) => ({
  row,
  text: `<think>x</think><answer>${at % 4 === 0 ? 7 : 8}</answer>`,
  tokens: 5,
  key: [at, 0] as const,
}));

test('shuffled rewards are as many and as high, and belong to others', async () => {
  const rewards = createRewards([{ accuracy: { weight: 2 } }], { steps: 9 });
  const scored = await rewards.score(completions, 1);
  const shuffled = await shuffledRewards(rewards, 3, 'zero').score(completions, 1);
  const sorted = (all: typeof scored) => all.map(({ reward }) => reward ?? NaN).toSorted((a, b) => a - b);
  expect(sorted(shuffled)).toEqual(sorted(scored));
  expect(shuffled.map(({ reward }) => reward)).not.toEqual(scored.map(({ reward }) => reward));
  expect(shuffled.map(({ verdict, text }) => [verdict, text])).toEqual(
    scored.map(({ verdict, text }) => [verdict, text]),
  );
  expect(shuffled.every(({ reward, scores }) => reward === 2 * (scores['accuracy'] ?? NaN))).toBe(true);
});

test('they are dealt out anew at each step, and the same in each run', async () => {
  const rewards = shuffledRewards(createRewards([{ accuracy: { weight: 1 } }], { steps: 9 }), 3, 'zero');
  const at = async (step: number) => (await rewards.score(completions, step)).map(({ reward }) => reward);
  expect(await at(1)).toEqual(await at(1));
  expect(await at(1)).not.toEqual(await at(2));
});
