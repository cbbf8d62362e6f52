import { expect, test } from '@jest/globals';
import { compareAnswers } from '../../bench/compare.ts';

test.each([
  { name: 'numbers that differ by rounding are the same', ours: [1.00001, 2], peer: [1, 2], same: true },
  { name: 'numbers that differ by more are not', ours: [1.01, 2], peer: [1, 2], same: false },
  { name: 'a missing step is not the same', ours: [1], peer: [1, 2], same: false },
  { name: 'a further step is not the same', ours: [1, 2, 3], peer: [1, 2], same: false },
  { name: 'a number that is none is not the same', ours: [Number.NaN, 2], peer: [1, 2], same: false },
])('$name', ({ ours, peer, same }) => {
  const [comparison] = compareAnswers({ numbers: { loss: ours } }, { numbers: { loss: peer } });

  expect(comparison).toMatchObject({ what: 'loss', same });
});

test('one differing token makes completions differ', () => {
  const peer = {
    tokens: [
      [1, 2, 3],
      [4, 5],
    ],
  };

  expect(
    compareAnswers(
      {
        tokens: [
          [1, 2, 3],
          [4, 5],
        ],
      },
      peer,
    )[0]?.same,
  ).toBe(true);
  expect(
    compareAnswers(
      {
        tokens: [
          [1, 2, 3],
          [4, 6],
        ],
      },
      peer,
    )[0],
  ).toMatchObject({
    same: false,
    detail: '1 of 2 completions equal',
  });
});
