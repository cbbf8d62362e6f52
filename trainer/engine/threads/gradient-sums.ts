import type { ParameterLayout } from '../../models/parameters.ts';
import type { Executable, Runtime } from '../../runtime/runtime.ts';
import { floats, floatTensor, release, type Tensor, type Tensors } from '../../runtime/tensor.ts';
import { parameterViews } from './parameter-tensors.ts';

/** A parameter that a program has a gradient of, under the name that it has there. */
export interface SummedParameter {
  readonly role: string;
  readonly name: string;
}

/** The sum of gradients in shared memory, as programs add to it. */
export interface GradientSums {
  /**
   * Runs a program that puts out `grad.<role>`, which become the new sums. Unless they begin, it reads `sum.<role>`.
   *
   * @returns the other outputs
   */
  run(program: Executable, inputs: Tensors, outputs: Tensors, parameters: readonly SummedParameter[]): Promise<Tensors>;
}

/** Programs add in place. */
export class SharedSums implements GradientSums {
  readonly #sums: Tensors;

  constructor(layout: ParameterLayout, gradient: Float32Array, runtime: Runtime) {
    this.#sums = parameterViews(layout, gradient);
    runtime.hold(this.#sums);
  }

  async run(program: Executable, inputs: Tensors, outputs: Tensors, parameters: readonly SummedParameter[]) {
    const under = (prefix: string): Tensors =>
      Object.fromEntries(parameters.map(({ role, name }) => [`${prefix}.${role}`, this.#sums[name] as Tensor]));
    return program.run({ ...inputs, ...under('sum') }, { ...outputs, ...under('grad') });
  }
}

/** For a runtime that takes no shared memory: programs are given copies of the sums, and what they put out is copied back. */
export class CopiedSums implements GradientSums {
  readonly #layout: ParameterLayout;
  readonly #gradient: Float32Array;

  constructor(layout: ParameterLayout, gradient: Float32Array) {
    [this.#layout, this.#gradient] = [layout, gradient];
  }

  async run(program: Executable, inputs: Tensors, outputs: Tensors, parameters: readonly SummedParameter[]) {
    const places = parameters.map(({ role, name }) => {
      const tensor = this.#layout.tensors.find((found) => found.name === name);
      if (tensor === undefined) throw new Error(`no parameter ${name}`);
      const { offset, size, shape } = tensor;
      return { role, shape, sum: this.#gradient.subarray(offset, offset + size) };
    });
    const copies = places.map(({ role, shape, sum }) => [`sum.${role}`, floatTensor(sum.slice(), shape)] as const);
    const results = await program.run({ ...inputs, ...Object.fromEntries(copies) }, outputs);
    for (const [, copy] of copies) release(copy.data);
    for (const { role, sum } of places) {
      const added = floats(results, `grad.${role}`);
      sum.set(added);
      release(added);
    }
    return results;
  }
}
