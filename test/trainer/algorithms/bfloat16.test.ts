import { expect, test } from '@jest/globals';
import { roundToBfloat16 } from '../../../trainer/algorithms/bfloat16.ts';
import { widened } from '../../support/bfloat16.ts';

test.each([
  { name: 'what bfloat16 has, as it is', given: [0, -0, 1, -2.5, 2 ** -126], rounded: [0, -0, 1, -2.5, 2 ** -126] },
  { name: 'to the nearest', given: [1 + 0.4 / 128, 1 + 0.6 / 128, -3.14159], rounded: [1, 1 + 1 / 128, -3.140625] },
  { name: 'ties to even', given: [1 + 0.5 / 128, 1 + 1.5 / 128], rounded: [1, 1 + 2 / 128] },
  { name: 'beyond the largest to infinity', given: [3.4e38, -3.4e38], rounded: [Infinity, -Infinity] },
  { name: 'no number to none', given: [Infinity, -Infinity, Number.NaN], rounded: [Infinity, -Infinity, Number.NaN] },
])('rounds $name', ({ given, rounded }) => {
  const halves = new Uint16Array(given.length);
  roundToBfloat16(Float32Array.from(given), halves);
  expect([...widened(halves)]).toEqual(rounded);
});

test('a not-a-number whose bits all lie in the lower half stays one', () => {
  const halves = new Uint16Array(1);
  roundToBfloat16(new Float32Array(Uint32Array.of(0x7f800001).buffer), halves);
  expect([...widened(halves)]).toEqual([Number.NaN]);
});
