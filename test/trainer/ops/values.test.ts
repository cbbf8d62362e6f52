import { expect, test } from '@jest/globals';
import { type Dimension, fixed, ShapeError, times } from '../../../trainer/graph/shape.ts';
import { type Value, constant, integers, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { silu, softplus } from '../../../trainer/ops/activation.ts';
import { add, equal, where } from '../../../trainer/ops/elementwise.ts';
import { addRows, gatherRows, pickColumns, zerosLike } from '../../../trainer/ops/indexing.ts';
import { batchedMatmul, gemm } from '../../../trainer/ops/linalg.ts';
import { concat, reshape, slice, transpose } from '../../../trainer/ops/movement.ts';
import { rmsNorm, softmax } from '../../../trainer/ops/normalization.ts';
import { reduceMax, reduceSum } from '../../../trainer/ops/reduction.ts';
import { runProgram } from '../../support/run-program.ts';

const matrix = constant(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
const square = constant(Float32Array.of(1, 2, 3, 4), [2, 2]);

// By hand, or from the definitions: torch.nn.functional of PyTorch 2.15 where there is a decimal.
const cases: [name: string, value: Value, expected: readonly number[]][] = [
  ['gemm', gemm(square, square, { transB: true, alpha: 2, c: constant(Float32Array.of(1, 0), [2]) }), [11, 22, 23, 50]],
  ['batchedMatmul', batchedMatmul(reshape(square, [2, 2, 1]), reshape(square, [2, 1, 2])), [1, 2, 2, 4, 9, 12, 12, 16]],
  ['transpose', transpose(matrix, [1, 0]), [1, 4, 2, 5, 3, 6]],
  ['slice', slice(matrix, 1, 1, 3), [2, 3, 5, 6]],
  ['concat', concat([matrix, matrix], 1), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]],
  ['gatherRows', gatherRows(matrix, integers([1, 1])), [4, 5, 6, 4, 5, 6]],
  [
    'addRows',
    addRows(zerosLike(constant(new Float32Array(6), [3, 2])), {
      rows: integers([2, 0, 2]),
      updates: reshape(matrix, [3, 2]),
    }),
    [3, 4, 0, 0, 6, 8],
  ],
  ['pickColumns', pickColumns(matrix, integers([2, 0])), [3, 4]],
  ['reduceSum', reduceSum(matrix, [1]), [6, 15]],
  ['reduceMax', reduceMax(matrix), [3, 6]],
  ['where', where(equal(matrix, scalar(3)), scalar(0), matrix), [1, 2, 0, 4, 5, 6]],
  ['softmax', softmax(square), [0.26894143, 0.7310586, 0.26894143, 0.7310586]],
  ['softplus', softplus(constant(Float32Array.of(-100, 0, 100), [3])), [0, 0.6931472, 100]],
  ['silu', silu(constant(Float32Array.of(-1, 0, 2), [3])), [-0.26894143, 0, 1.7615942]],
  [
    'rmsNorm',
    rmsNorm(square, constant(Float32Array.of(1, 2), [2]), 1e-6),
    [0.6324554, 2.5298214, 0.8485281, 2.2627416],
  ],
];

test.each(cases)('%s', async (_, value, expected) => {
  const { y } = await runProgram(writeProgram([], { y: value }), {});
  expect([...(y as Float32Array)].map((found, index) => Math.abs(found - (expected[index] as number)) < 2e-6)).toEqual(
    expected.map(() => true),
  );
});

test.each<[name: string, build: () => Value | Dimension, message: string]>([
  ['symbolic sizes', () => fixed('B'), 'dimension B: expected a fixed size'],
  ['products of sizes', () => times('B', 'W'), 'B · W: more than one symbolic dimension'],
  ['products', () => gemm(matrix, matrix), 'Gemm: [2, 3] × [2, 3]: inner dimensions differ'],
  ['sums', () => add(matrix, square), 'Add: [2, 3] and [2, 2] do not broadcast'],
  ['reshapes', () => reshape(matrix, [4]), 'Reshape: [2, 3] has another number of elements than [4]'],
  ['joins', () => concat([matrix, square], 0), 'Concat on axis 0: [2, 3] and [2, 2]'],
])('shapes that do not fit are named: %s', (_, build, message) => {
  expect(build).toThrow(new ShapeError(message));
});
