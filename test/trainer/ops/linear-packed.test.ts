import { expect } from '@jest/globals';
import { input } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { linear, linearPanels } from '../../../trainer/ops/linalg.ts';
import { floatTensor, type Tensor } from '../../../trainer/runtime/tensor.ts';
import { halvesOf } from '../../support/bfloat16.ts';
import { expectClose, onBoth, random } from '../../support/kernel-and-body.ts';
import { testWithOps } from '../../support/with-ops.ts';

/** Rows, inputs, outputs. */
const sizes = [
  [2, 5, 16],
  [7, 40, 48],
  [300, 20, 272],
] as const;

testWithOps.each(sizes)(
  'a linear layer of %i rows, %i to %i, reads panels as it reads the matrix, and so does its body',
  async (m, k, n) => {
    const [X, W, P, C] = [
      input('x', ['m', k]),
      input('w', [n, k]),
      input('rows', [n / 16, 16, k]),
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
    const w = random([n, k], 2);
    const rows = floatTensor(w.data, [n / 16, 16, k]);
    const [kernels, bodies] = await onBoth(program, { x: random([m, k], 1), w, rows, c: random([m, n], 3) });
    expect(numbers(kernels['panels'])).toEqual(numbers(bodies['panels']));
    for (const name of ['packed', 'packed + c']) {
      expect(numbers(kernels[name])).toEqual(numbers(kernels[name.replace('packed', 'plain')]));
      expectClose(name, kernels[name], bodies[name]);
    }
  },
);

testWithOps.each([
  [2, 6, 32],
  [7, 40, 64],
  [300, 20, 288],
])('so does one in bfloat16 of %i rows, %i to %i', async (m, k, n) => {
  const [X, W, P, C] = [
    input('x', ['m', k]),
    input('w', [n, k], 'bfloat16'),
    input('rows', [n / 32, 32, k], 'bfloat16'),
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
  const data = halvesOf(random([n, k], 2).data);
  const w = { type: 'bfloat16', dims: [n, k], data } as const;
  const rows = { ...w, dims: [n / 32, 32, k] };
  const [kernels, bodies] = await onBoth(program, { x: random([m, k], 1), w, rows, c: random([m, n], 3) });
  expect(numbers(kernels['panels'])).toEqual(numbers(bodies['panels']));
  for (const name of ['packed', 'packed + c']) {
    expect(numbers(kernels[name])).toEqual(numbers(kernels[name.replace('packed', 'plain')]));
    expectClose(name, kernels[name], bodies[name]);
  }
});

function numbers(tensor: Tensor | undefined) {
  return { dims: tensor?.dims, data: tensor?.data };
}
