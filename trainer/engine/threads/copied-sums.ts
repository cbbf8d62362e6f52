import type { Executable } from '../../runtime/runtime.ts';
import { type AnyTensors, floats, floatTensor, release, type Tensor, type Tensors } from '../../runtime/tensor.ts';
import type { GradientSums, SummedParameter } from '../gradient-sums.ts';

/** For a runtime that takes no shared memory: programs are given copies of the sums, and what they put out is copied back. */
export class CopiedSums implements GradientSums {
  readonly #sums: Tensors;

  /** @param sums in shared memory */
  constructor(sums: Tensors) {
    this.#sums = sums;
  }

  of(name: string): Tensor<'float32'> {
    const sum = this.#sums[name];
    if (sum === undefined) throw new Error(`no parameter ${name}`);
    return sum as Tensor<'float32'>;
  }

  async run(
    program: Executable,
    inputs: AnyTensors,
    outputs: AnyTensors,
    parameters: readonly SummedParameter[],
  ): Promise<void> {
    const places = parameters.map(({ role, name }) => ({ role, ...this.of(name) }));
    const copies = places.map(({ role, data, dims }) => [`sum.${role}`, floatTensor(data.slice(), dims)] as const);
    const results = await program.run({ ...inputs, ...Object.fromEntries(copies) }, outputs);
    for (const [, copy] of copies) release(copy.data);
    for (const { role, data } of places) {
      const added = floats(results, `grad.${role}`);
      data.set(added);
      release(added);
    }
  }
}
