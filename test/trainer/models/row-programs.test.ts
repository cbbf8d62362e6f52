import { expect } from '@jest/globals';
import { addRowsProgram } from '../../../trainer/models/programs.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { zeros } from '../../../trainer/runtime/aligned-memory.ts';
import { indexTensor } from '../../../trainer/runtime/tensor.ts';
import { onBoth, random } from '../../support/kernel-and-body.ts';
import { testWithOps } from '../../support/with-ops.ts';

testWithOps.each([
  { n: 1, m: 1, d: 1 },
  { n: 5, m: 40, d: 7 },
  { n: 300, m: 64, d: 96 },
])('rows are added in their order, by the kernel and by its body: $m onto $n of $d', async ({ n, m, d }) => {
  const rows = indexTensor(
    Array.from({ length: m }, (_, i) => (i * i * 7) % n),
    [m],
  );
  const inputs = { matrix: random([n, d], 1), rows, updates: random([m, d], 2) };
  const [kernel, body] = await onBoth(addRowsProgram(), inputs);
  expect(kernel['sum']?.data).toEqual(body['sum']?.data);
  expect(kernel['sum']?.data).not.toEqual(inputs.matrix.data);
});

testWithOps('rows are added where the matrix lies, and no row that it has not', async () => {
  const executable = await (await openRuntime('ops')).compile(addRowsProgram());
  const matrix = zeros('float32', [2, 3]);
  const updates = random([2, 3], 3);
  await executable.run({ matrix, rows: indexTensor([1, 1], [2]), updates }, { sum: matrix });
  const [a, b] = [updates.data.subarray(0, 3), updates.data.subarray(3)];
  expect(matrix.data).toEqual(Float32Array.of(0, 0, 0, ...a.map((value, j) => value + (b[j] as number))));
  await expect(executable.run({ matrix, rows: indexTensor([0, 2], [2]), updates })).rejects.toThrow(
    'AddRows: input rows: found 2, expected 0 to 1',
  );
});
