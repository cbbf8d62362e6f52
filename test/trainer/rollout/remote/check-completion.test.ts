import { expect, test } from '@jest/globals';
import { completionProblem } from '../../../../trainer/rollout/remote/check-completion.ts';

const request = {
  promptIds: [1],
  key: [0, 0] as const,
  sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 4 },
  stopIds: [9],
  stopTexts: { texts: ['ab'], pieces: [[5, 'a'] as const, [6, 'b'] as const] },
};
const problem = (tokenIds: number[], finish: 'stop' | 'length') =>
  completionProblem({ tokenIds, probs: Float32Array.from(tokenIds, () => 0.5), finish }, request, {
    vocabularySize: 10,
    maxLength: 64,
  });

test.each([
  { name: 'at its stop token', tokenIds: [5, 9], finish: 'stop', isOne: true },
  { name: 'at its stop text', tokenIds: [5, 6], finish: 'stop', isOne: true },
  { name: 'at the longest length', tokenIds: [6, 5, 5, 7], finish: 'length', isOne: true },
  { name: 'before its stop text', tokenIds: [6, 5], finish: 'stop', isOne: false },
  { name: 'after its stop text', tokenIds: [5, 6, 5, 5], finish: 'length', isOne: false },
  { name: 'for no reason', tokenIds: [5, 7], finish: 'length', isOne: false },
] as const)('a completion that ends $name is one of its request: $isOne', ({ tokenIds, finish, isOne }) => {
  expect(problem([...tokenIds], finish) === undefined).toBe(isOne);
});
