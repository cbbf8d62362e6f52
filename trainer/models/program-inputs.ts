import type { OnnxProgram } from '../graph/program.ts';
import type { Shape } from '../graph/shape.ts';
import { type ElementType, type Value, input } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import type { Head, ModelConfig } from './config.ts';
import type { Parameters, TokenList } from './decoder.ts';
import { parameterLayout } from './parameters.ts';

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

/** A program whose parameters are declared under their Hugging Face names. */
export interface ProgramBase {
  readonly config: ModelConfig;
  readonly inputs: ProgramInputs;
  readonly parameters: Parameters;
  readonly parameterNames: readonly string[];
}

export function programBase(config: ModelConfig, head: Head): ProgramBase {
  const inputs = new ProgramInputs();
  const { tensors } = parameterLayout(config, head);
  for (const { name, shape } of tensors) inputs.add(name, shape);
  return { config, inputs, parameters: (name) => inputs.get(name), parameterNames: tensors.map(({ name }) => name) };
}

/** Sequences that a program runs, padded. */
export interface Grid {
  readonly rows: number;
  readonly length: number;
}

/** Declares packed tokens (see packing.ts). */
export function tokenList(inputs: ProgramInputs, { rows, length }: Grid): TokenList {
  return {
    ids: inputs.add('ids', ['T'], 'int64'),
    positions: inputs.add('positions', ['T', 1], 'int64'),
    places: inputs.add('places', [rows * length], 'int64'),
    origins: inputs.add('origins', ['T'], 'int64'),
    rows,
    length,
  };
}
