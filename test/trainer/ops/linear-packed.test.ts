import { expect } from '@jest/globals';
import { input, kernel, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add } from '../../../trainer/ops/elementwise.ts';
import { linear, linearPanels } from '../../../trainer/ops/linalg.ts';
import type { Tensor } from '../../../trainer/runtime/tensor.ts';
import { halvesOf } from '../../support/bfloat16.ts';
import { expectClose, onBoth, random, runOn } from '../../support/kernel-and-body.ts';
import { testWithOps } from '../../support/with-ops.ts';

testWithOps.each([
  [2, 5, 16],
  [7, 40, 48],
  [300, 20, 272],
])(
  'a linear layer of %i rows, %i to %i, reads panels as it reads the matrix, and so does its body',
  async (m, k, n) => {
    const { data } = random([n, k], 2);
    await expectSameOfPanels(m, { type: 'float32', dims: [n, k], data }, 16);
  },
);

testWithOps.each([
  [2, 6, 32],
  [7, 40, 64],
  [300, 20, 288],
])('so does one in bfloat16 of %i rows, %i to %i', async (m, k, n) => {
  const data = halvesOf(random([n, k], 2).data);
  await expectSameOfPanels(m, { type: 'bfloat16', dims: [n, k], data }, 32);
});

testWithOps(
  'panels of bfloat16, which hold two neighbours at a time, are none for an odd number of inputs',
  async () => {
    const [X, P] = [input('x', ['m', 'k']), input('panels', [1, 3, 32, 2], 'bfloat16')];
    const [y] = kernel('LinearPackedBf16', [X, P], [add(X, X)]); // `linear` would refuse these shapes itself
    const program = writeProgram([X, P], { y: y as Value });
    const panels: Tensor = { type: 'bfloat16', dims: [1, 3, 32, 2], data: halvesOf(random([192], 2).data) };
    await expect(runOn('ops', program, { x: random([2, 5], 1), panels })).rejects.toThrow(
      'LinearPackedBf16: input panels',
    );
  },
);

/** @param width rows of a panel */
async function expectSameOfPanels(m: number, w: Tensor, width: number): Promise<void> {
  const [n = 0, k = 0] = w.dims;
  const dims = [n / width, width, k];
  const [X, W, P, C] = [
    input('x', ['m', k]),
    input('w', [n, k], w.type),
    input('rows', dims, w.type),
    input('c', ['m', n]),
  ];
  const panels = linearPanels(P);
  const program = writeProgram([X, W, P, C], {
    panels,
    plain: linear(X, W),
    packed: linear(X, panels),
    'plain + c': linear(X, W, C),
    'packed + c': linear(X, panels, C),
  });
  const feeds = { x: random([m, k], 1), w, rows: { ...w, dims }, c: random([m, n], 3) };
  const [kernels, bodies] = await onBoth(program, feeds);
  expect(numbers(kernels['panels'])).toEqual(numbers(bodies['panels']));
  for (const name of ['packed', 'packed + c']) {
    expect(numbers(kernels[name])).toEqual(numbers(kernels[name.replace('packed', 'plain')]));
    expectClose(name, kernels[name], bodies[name]);
  }
}

function numbers(tensor: Tensor | undefined) {
  return { dims: tensor?.dims, data: tensor?.data };
}
