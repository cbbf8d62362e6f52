import { expect, test } from '@jest/globals';
import { consAtK, evaluationMetrics, passAtK } from '../../../trainer/algorithms/evaluation.ts';

function choose(n: number, k: number): number {
  let value = 1;
  for (let i = 0; i < k; i++) value = (value * (n - i)) / (i + 1);
  return k > n ? 0 : value;
}

test('pass@k is 1 − C(n−c, k) / C(n, k)', () => {
  for (let n = 1; n <= 12; n++) {
    for (let c = 0; c <= n; c++) {
      for (let k = 1; k <= n; k++) expect(passAtK(n, c, k)).toBeCloseTo(1 - choose(n - c, k) / choose(n, k), 12);
    }
  }
  expect(passAtK(200, 3, 1)).toBeCloseTo(0.015, 12);
  expect(() => passAtK(4, 1, 5)).toThrow(RangeError);
});

const right = { correct: true, vote: '85' };
const wrong = { correct: false, vote: '84' };
const other = { correct: false, vote: '83' };
const silent = { correct: false };

test.each([
  { name: 'the most frequent answer is right', samples: [right, right, wrong, other], consensus: 1 },
  { name: 'the most frequent answer is wrong', samples: [right, wrong, wrong, other], consensus: 0 },
  { name: 'two answers tie', samples: [right, wrong], consensus: 0.5 },
  { name: 'completions without an answer do not vote', samples: [right, silent, silent, silent], consensus: 1 },
  { name: 'nobody answers', samples: [silent, silent], consensus: 0 },
])('cons@k when $name: $consensus', ({ samples, consensus }) => {
  expect(consAtK(samples)).toBe(consensus);
});

test('evaluation averages over prompts, and prompts are the units of its standard error', () => {
  const prompts = [
    [right, right, wrong, other],
    [wrong, wrong, wrong, wrong],
  ];
  expect(evaluationMetrics(prompts, 4)).toEqual({
    'eval/pass@1': 0.25,
    'eval/pass@1_stderr': 0.25,
    'eval/prompts': 2,
    'eval/pass@4': 0.5,
    'eval/cons@4': 0.5,
  });
  expect(evaluationMetrics([[right], [wrong]], 1)).toEqual({
    'eval/pass@1': 0.5,
    'eval/pass@1_stderr': 0.5,
    'eval/prompts': 2,
  });
});

test.each([
  { name: 'fewer', prompts: [[right, wrong, wrong], [wrong]] },
  { name: 'more', prompts: [[wrong], [right, wrong, wrong]] },
])('of prompts with $name completions that could be judged later on, pass@k is of those', ({ prompts }) => {
  expect(evaluationMetrics(prompts, 3)).toMatchObject({ 'eval/pass@3': 0.5, 'eval/cons@3': expect.any(Number) });
});
