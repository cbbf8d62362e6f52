import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { adamw, adamwFactors, segments } from '../../../trainer/optim/adamw.ts';
import type { AdamWSettings } from '../../../trainer/optim/adamw.ts';
import { clipFactor, sumOfSquares } from '../../../trainer/optim/clipping.ts';

interface Golden {
  readonly settings: AdamWSettings;
  readonly maxGradNorm: number;
  /** Elements of the tensor with weight decay; the other tensor has none. */
  readonly decayed: number;
  readonly start: number[];
  readonly updates: { readonly gradient: number[]; readonly norm: number; readonly parameters: number[] }[];
}

const golden = JSON.parse(readFileSync(new URL('../../fixtures/optim/adamw.json', import.meta.url), 'utf8')) as Golden;

const tensors = [
  { offset: 0, size: golden.decayed, decay: true },
  { offset: golden.decayed, size: golden.start.length - golden.decayed, decay: false },
];

/** Parameters after each golden update, computed in `shares` ranges. */
function train(shares: number): { norms: number[]; parameters: Float32Array[] } {
  const size = golden.start.length;
  const parameters = Float32Array.from(golden.start);
  const [m, v] = [new Float32Array(size), new Float32Array(size)];
  const norms: number[] = [];
  const history = golden.updates.map((update, index) => {
    const gradient = Float32Array.from(update.gradient);
    const norm = Math.sqrt(sumOfSquares(gradient));
    norms.push(norm);
    const scale = clipFactor(norm, golden.maxGradNorm);
    for (let share = 0; share < shares; share++) {
      const [start, end] = [share, share + 1].map((part) => Math.floor((size * part) / shares)) as [number, number];
      for (const segment of segments(tensors, start, end)) {
        adamw({ parameters, gradient, m, v }, segment, adamwFactors(golden.settings, index + 1, scale, segment.decay));
      }
    }
    return parameters.slice();
  });
  return { norms, parameters: history };
}

test('five clipped updates agree with torch.optim.AdamW', () => {
  const { norms, parameters } = train(1);
  for (const [index, update] of golden.updates.entries()) {
    expect(norms[index]).toBeCloseTo(update.norm, 5);
    // torch adds 1e-6 to the norm it divides by, and rounds to float32 between its operations
    for (const [i, expected] of update.parameters.entries()) expect(parameters[index]?.[i]).toBeCloseTo(expected, 6);
  }
});

test('how the arrays are shared out changes no bit', () => {
  expect(train(3)).toEqual(train(1));
});

test('segments cut tensors at the borders of the range', () => {
  expect(segments(tensors, 10, 22)).toEqual([
    { start: 10, end: 20, decay: true },
    { start: 20, end: 22, decay: false },
  ]);
  expect(segments(tensors, 0, 20)).toEqual([{ start: 0, end: 20, decay: true }]);
});

test('neighbours that are decayed alike are one segment', () => {
  const sizes = [
    { offset: 0, size: 4, decay: true },
    { offset: 4, size: 6, decay: true },
    { offset: 10, size: 1, decay: false },
    { offset: 11, size: 4, decay: true },
  ];
  expect(segments(sizes, 2, 13)).toEqual([
    { start: 2, end: 10, decay: true },
    { start: 10, end: 11, decay: false },
    { start: 11, end: 13, decay: true },
  ]);
});

test('a decay of less than a rounding of 1 is not lost', () => {
  const state = {
    parameters: Float32Array.of(1e-3),
    gradient: Float32Array.of(1),
    m: new Float32Array(1),
    v: new Float32Array(1),
  };
  const small = { learningRate: 1e-7, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;
  const factors = adamwFactors(small, 1, 1, true);
  expect(factors[5]).toBeCloseTo(1e-8, 15);
  adamw(state, { start: 0, end: 1 }, factors);
  expect(state.parameters[0]).toBe(Math.fround(1e-3 - 1e-7 - 1e-11));
});

test('weight decay shrinks a parameter whose gradient is zero', () => {
  const state = {
    parameters: Float32Array.of(1),
    gradient: new Float32Array(1),
    m: new Float32Array(1),
    v: new Float32Array(1),
  };
  adamw(
    state,
    { start: 0, end: 1 },
    adamwFactors({ ...golden.settings, learningRate: 0.5, weightDecay: 0.5 }, 1, 1, true),
  );
  expect(state.parameters[0]).toBe(0.75);
});
