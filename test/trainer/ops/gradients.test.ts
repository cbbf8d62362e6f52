import { expect, test } from '@jest/globals';
import { constant, integers, scalar } from '../../../trainer/graph/value.ts';
import { sigmoid, softplus } from '../../../trainer/ops/activation.ts';
import {
  add,
  divide,
  lessOrEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  subtract,
  where,
} from '../../../trainer/ops/elementwise.ts';
import { addRows, gatherRows } from '../../../trainer/ops/indexing.ts';
import { batchedMatmul, gemm } from '../../../trainer/ops/linalg.ts';
import { reshape, transpose } from '../../../trainer/ops/movement.ts';
import { rmsNorm, softmax } from '../../../trainer/ops/normalization.ts';
import { expandTo, reduceSum, sum } from '../../../trainer/ops/reduction.ts';
import { type GradientCase, gradientErrors } from '../../support/gradient-check.ts';

const positive = (x: number): number => x + 2;
const both = [
  [3, 4],
  [3, 4],
] as const;
const rowsWithRepetition = integers([2, 0, 2, 1]);

const cases: Record<string, GradientCase> = {
  Add: { inputs: both, build: add },
  'Add, broadcast on two axes': {
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    build: add,
  },
  'Add of a value to itself': { inputs: [[3]], build: (a) => add(a, a) },
  Sub: { inputs: both, build: subtract },
  'Sub, broadcast': { inputs: [[4], [3, 4]], build: subtract },
  Mul: { inputs: both, build: multiply },
  'Mul, broadcast': { inputs: [[3, 4], [1]], build: multiply },
  Div: { inputs: both, build: divide, place: positive },
  'Div, broadcast': {
    inputs: [
      [3, 1],
      [3, 4],
    ],
    build: divide,
    place: positive,
  },
  Min: { inputs: both, build: minimum },
  Max: { inputs: both, build: maximum },
  'Max with a constant': { inputs: [[3, 4]], build: (a) => maximum(a, scalar(0.2)) },
  Where: { inputs: both, build: (a, b) => where(lessOrEqual(a, scalar(0)), multiply(a, a), b) },
  Neg: { inputs: [[5]], build: negate },
  Log: { inputs: [[5]], build: log, place: positive },
  Sigmoid: { inputs: [[9]], build: sigmoid, place: (x) => 4 * x },
  Softplus: { inputs: [[9]], build: softplus, place: (x) => 4 * x },
  ReduceSum: { inputs: [[2, 3, 4]], build: (a) => reduceSum(a, [0, 2]) },
  'ReduceSum to a scalar': { inputs: [[2, 3]], build: (a) => multiply(sum(a), sum(a)) },
  Expand: { inputs: [[2, 1]], build: (a) => expandTo(a, constant(new Float32Array(24), [3, 2, 4])) },
  Reshape: { inputs: [[2, 6]], build: (a) => reshape(a, [3, 4]) },
  Transpose: { inputs: [[2, 3, 4]], build: (a) => transpose(a, [2, 0, 1]) },
  Gather: { inputs: [[3, 2]], build: (table) => gatherRows(table, rowsWithRepetition) },
  ScatterND: {
    inputs: [
      [3, 2],
      [4, 2],
    ],
    build: (table, updates) => addRows(table, { rows: rowsWithRepetition, updates }),
  },
  Softmax: { inputs: [[3, 5]], build: softmax },
  RmsNorm: { inputs: [[2, 3, 4], [4]], build: (x, weight) => rmsNorm(x, weight, 1e-6) },
  'RmsNorm added onto what its input has from elsewhere': {
    inputs: [[5, 4], [4]],
    build: (x, weight) => add(x, rmsNorm(x, weight, 1e-6)),
  },
};

for (const [transA, transB] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const) {
  const [a, b] = [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2]];
  const options = { transA, transB, alpha: 0.7 };
  const name = `${transA ? 'Aᵀ' : 'A'}·${transB ? 'Bᵀ' : 'B'}`;
  cases[`Gemm ${name}`] = { inputs: [a, b, [3, 2]], build: (x, y, c) => gemm(x, y, { ...options, c }) };
  cases[`FusedMatMul ${name}`] = {
    inputs: [
      [2, ...a],
      [2, ...b],
    ],
    build: (x, y) => batchedMatmul(x, y, options),
  };
  cases[`FusedMatMul ${name}, broadcast batches`] = {
    inputs: [
      [2, 1, ...a],
      [1, 3, ...b],
    ],
    build: (x, y) => batchedMatmul(x, y, options),
  };
}
cases['Gemm with a row as C'] = { inputs: [[3, 4], [4, 2], [2]], build: (a, b, c) => gemm(a, b, { c }) };

test.each(Object.entries(cases))('the gradient of %s agrees with finite differences', async (_, given) => {
  expect(Math.max(...(await gradientErrors(given)))).toBeLessThan(1e-3);
});
