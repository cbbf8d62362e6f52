import type { OnnxProgram } from '../graph/program.ts';
import type { AnyTensors, Tensors } from './tensor.ts';

/**
 * Ways to the same library: `stock` is onnxruntime-node's own binding, `ffi` calls the C API, and `ops` does so with the kernels of
 * native/, which compute what is a function elsewhere.
 */
export type RuntimeName = 'stock' | 'ffi' | 'ops';

/** What compiles programs and runs them, for one thread. */
export interface Runtime {
  readonly name: RuntimeName;
  /** Whether programs read and write the tensors' own memory, shared or not. Else it must not be shared, and outputs are copied. */
  readonly inPlace: boolean;
  /** What another thread needs to end a run of this one (see cancel.ts). Can be posted to it. */
  readonly cancellation: Cancellation;
  /** Spares the work of making tensors known that many programs are bound to, until they are let go. */
  hold(tensors: AnyTensors): { release(): void };
  /** Takes 0.1–0.3 s for a training program: compile once, run often. */
  compile(program: OnnxProgram): Promise<Executable>;
}

export type Cancellation = { readonly kind: 'none' } | { readonly kind: 'ffi'; readonly runOptions: bigint };

/** A compiled program. It blocks its thread while it runs, so it belongs in a worker thread. */
export interface Executable {
  /**
   * Says where the program finds its inputs and leaves its outputs. Tensors that it has no port for are ignored.
   *
   * @param outputs those that shall lie somewhere; an output may lie in an input's memory
   * @throws Error naming the port whose tensor is missing or has another type or shape
   */
  bind(inputs: AnyTensors, outputs?: AnyTensors): Bound;
  /** Binds, runs once and lets go. The outputs are the caller's. */
  run(inputs: AnyTensors, outputs?: AnyTensors): Promise<Tensors>;
  /** Frees the program and all that is bound to it. */
  release(): Promise<void>;
}

/** A program with its memory, to be run again and again. */
export interface Bound {
  /**
   * Runs with what the inputs hold now.
   *
   * @returns all outputs in the memory of the process; those that were not bound hold until the next run
   * @throws Error where the program fails, is cancelled, or has been released
   */
  run(): Promise<Tensors>;
  release(): void;
}

/** What a program that was released throws. */
export function released(): Error {
  return new Error('the program has been released');
}
