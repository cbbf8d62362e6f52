import { expect } from '@jest/globals';
import type { OnnxProgram } from '../../trainer/graph/program.ts';
import { openRuntime } from '../../trainer/runtime/open-runtime.ts';
import type { RuntimeName } from '../../trainer/runtime/runtime.ts';
import { floatTensor, type Tensor, type Tensors } from '../../trainer/runtime/tensor.ts';
import { tokenIds } from './random-model.ts';

/** Between −1 and 1. */
export function random(dims: readonly number[], seed: number): Tensor<'float32'> {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return floatTensor(
    Float32Array.from(tokenIds(size, 2001, seed), (id) => id / 1000 - 1),
    dims,
  );
}

/** Some rows along the first axis, as a tensor of these dimensions. */
export function rowsOf(tensor: Tensor, rows: readonly number[], dims: readonly number[]): Tensor<'float32'> {
  const width = tensor.data.length / (tensor.dims[0] as number);
  const data = rows.flatMap((row) => [...(tensor.data as Float32Array).subarray(row * width, (row + 1) * width)]);
  return floatTensor(Float32Array.from(data), dims);
}

/** With the kernels of native/, and with their bodies. */
export async function onBoth(program: OnnxProgram, inputs: Tensors): Promise<[kernels: Tensors, bodies: Tensors]> {
  return [await runOn('ops', program, inputs), await runOn('ffi', program, inputs)];
}

export async function runOn(name: RuntimeName, program: OnnxProgram, inputs: Tensors): Promise<Tensors> {
  const executable = await (await openRuntime(name)).compile(program);
  const outputs = await executable.run(inputs);
  await executable.release();
  return outputs;
}

/** Within 1e-5 of the largest number. */
export function expectClose(name: string, found: Tensor | undefined, expected: Tensor | undefined): void {
  const [a, b] = [found?.data as Float32Array, expected?.data as Float32Array];
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] as number))), 0);
  expect({ name, close: error <= 1e-5 * scale }).toEqual({ name, close: true });
}
