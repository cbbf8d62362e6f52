import type { OnnxProgram } from '../graph/program.ts';
import { type Dimension, type Shape, times } from '../graph/shape.ts';
import { type ElementType, type Value, input } from '../graph/value.ts';
import { writeProgram } from '../graph/writer.ts';
import type { Head, ModelConfig } from './config.ts';
import type { Parameters } from './decoder.ts';
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

/** What every program over whole sequences begins with. */
export interface SequenceInputs {
  readonly config: ModelConfig;
  readonly inputs: ProgramInputs;
  readonly parameters: Parameters;
  readonly parameterNames: readonly string[];
  /** `[rows, length]` int64 */
  readonly ids: Value;
  readonly rows: Dimension;
  /** rows · length */
  readonly tokens: Dimension;
}

/** Declares every parameter under its Hugging Face name, and `ids`. */
export function sequenceInputs(config: ModelConfig, head: Head, rows: Dimension, length: number): SequenceInputs {
  const inputs = new ProgramInputs();
  const { tensors } = parameterLayout(config, head);
  for (const { name, shape } of tensors) inputs.add(name, shape);
  return {
    config,
    inputs,
    parameters: (name) => inputs.get(name),
    parameterNames: tensors.map(({ name }) => name),
    ids: inputs.add('ids', [rows, length], 'int64'),
    rows,
    tokens: times(rows, length),
  };
}
