import { describe, expect, test } from '@jest/globals';
import { compareAnswers } from '../../bench/compare.ts';

test.each([
  { name: 'numbers that differ by rounding are the same', ours: [1.00001, 2], peer: [1, 2], same: true },
  { name: 'numbers that differ by more are not', ours: [1.01, 2], peer: [1, 2], same: false },
  { name: 'a missing step is not the same', ours: [1], peer: [1, 2], same: false },
  { name: 'a further step is not the same', ours: [1, 2, 3], peer: [1, 2], same: false },
  { name: 'nothing on both sides is the same', ours: [0, 2], peer: [0, 2], same: true },
  { name: 'nothing on one of them is not', ours: [0, 2], peer: [0.1, 2], same: false },
  { name: 'a number that is none is not the same', ours: [Number.NaN, 2], peer: [1, 2], same: false },
])('$name', ({ ours, peer, same }) => {
  const [comparison] = compareAnswers({ numbers: { loss: ours } }, { numbers: { loss: peer } }, 'f32');

  expect(comparison).toMatchObject({ what: 'loss', same });
});

describe('completions', () => {
  const peer = [
    [1, 2, 3],
    [4, 5],
  ];
  test.each([
    { name: 'that are equal', ours: peer, precision: 'f32', same: true, equal: 2 },
    { name: 'of which one token differs', ours: [peer[0]!, [4, 6]], precision: 'f32', same: false, equal: 1 },
    {
      name: 'of a peer that computes to eight bits',
      ours: [peer[0]!, [4, 6]],
      precision: 'bf16',
      same: true,
      equal: 1,
    },
    { name: 'of which one is missing', ours: [peer[0]!], precision: 'bf16', same: false, equal: 1 },
  ] as const)('$name', ({ ours, precision, same, equal }) => {
    const [comparison] = compareAnswers({ tokens: ours }, { tokens: peer }, precision);

    expect(comparison).toMatchObject({ same, detail: `${equal} of 2 completions equal` });
  });
});

test('numbers of a peer that computes to eight bits need only be near', () => {
  const near = compareAnswers({ numbers: { loss: [1.01] } }, { numbers: { loss: [1] } }, 'bf16');
  const far = compareAnswers({ numbers: { loss: [1.2] } }, { numbers: { loss: [1] } }, 'bf16');

  expect([near[0]?.same, far[0]?.same]).toEqual([true, false]);
});
