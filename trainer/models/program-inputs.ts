import type { OnnxProgram } from '../graph/program.ts';
import type { Shape } from '../graph/shape.ts';
import { type ElementType, type Value, input } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import type { Parameters, Tokens } from './decoder.ts';

/** The inputs of a program that is being built, in their order. */
export class ProgramInputs {
  readonly #values = new Map<string, Value>();

  add(name: string, shape: Shape, type: ElementType = 'float32'): Value {
    const value = input(name, shape, type);
    this.#values.set(name, value);
    return value;
  }

  get(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new Error(`the program has no input ${name}`);
    return value;
  }

  write(outputs: Readonly<Record<string, Value>>): OnnxProgram {
    return writeProgram([...this.#values.values()], outputs);
  }
}

/** Declares parameters. */
export function parameterInputs(inputs: ProgramInputs, tensors: readonly Tensor[]): Parameters {
  for (const { name, shape, type } of tensors) inputs.add(name, shape, type);
  return (name) => inputs.get(name);
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** Declares a list of tokens (see packing.ts). */
export function tokenInputs(inputs: ProgramInputs): Tokens {
  return {
    positions: inputs.add('positions', ['T', 1], 'int64'),
    places: inputs.add('places', ['R', 'L'], 'int64'),
    origins: inputs.add('origins', ['T'], 'int64'),
  };
}
