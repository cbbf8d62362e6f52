import type { Executable, Runtime } from '../runtime/runtime.ts';
import type { AnyTensor, AnyTensors } from '../runtime/tensor.ts';

/** A parameter that a program has a gradient of, under the name that it has there. */
export interface SummedParameter {
  readonly role: string;
  readonly name: string;
}

/** The sums of a step's gradients, as programs add to them. */
export interface GradientSums {
  /** The sum of a parameter, where it lies. */
  of(name: string): AnyTensor;
  /** Runs a program that puts out `grad.<role>`, which become the new sums. Unless they begin, it reads `sum.<role>`. */
  run(
    program: Executable,
    inputs: AnyTensors,
    outputs: AnyTensors,
    parameters: readonly SummedParameter[],
  ): Promise<void>;
}

/** Programs add where the sums lie. */
export class SumsInPlace implements GradientSums {
  readonly #sums: AnyTensors;

  constructor(sums: AnyTensors, runtime: Runtime) {
    this.#sums = sums;
    runtime.hold(sums);
  }

  of(name: string): AnyTensor {
    const sum = this.#sums[name];
    if (sum === undefined) throw new Error(`no parameter ${name}`);
    return sum;
  }

  async run(
    program: Executable,
    inputs: AnyTensors,
    outputs: AnyTensors,
    parameters: readonly SummedParameter[],
  ): Promise<void> {
    const under = (prefix: string): AnyTensors =>
      Object.fromEntries(parameters.map(({ role, name }) => [`${prefix}.${role}`, this.of(name)]));
    await program.run({ ...inputs, ...under('sum') }, { ...outputs, ...under('grad') });
  }
}
