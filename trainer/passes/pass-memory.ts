import type { PortType } from '../graph/program.ts';
import type { AnyTensor } from '../runtime/tensor.ts';

/**
 * What passes do with memory beside running programs in it. They are written once, and do not know where it lies: in the process
 * (process-memory.ts) or in a device (device-pass-memory.ts).
 */
export interface PassMemory {
  /** Memory that is used again by the next call with this name, as much as the largest one wanted. It holds what was left there. */
  tensor(name: string, dims: readonly number[], type?: PortType): AnyTensor;
  /** Several tensors of one shape. */
  tensors(name: string, count: number, dims: readonly number[]): AnyTensor[];
  /** Numbers for programs, until the next call with this name. */
  floats(name: string, values: Float32Array, dims: readonly number[]): AnyTensor;
  /** Non-negative 32-bit numbers for programs, which take them in int64; until the next call with this name. */
  indices(name: string, values: readonly number[], dims: readonly number[]): Promise<AnyTensor>;
  /** Into a tensor that was made before. */
  writeIndices(tensor: AnyTensor, values: readonly number[]): Promise<void>;
  fillWithZeros(tensor: AnyTensor): void;
  /** Good until the tensor changes. */
  read(tensor: AnyTensor): Float32Array;
  /** The same of several, for which a device is waited for once. */
  readAll(tensors: readonly AnyTensor[]): readonly Float32Array[];
  /** Rows `rows` [n] of a matrix in a matrix of their own, until the next call. */
  pickRows(matrix: AnyTensor, rows: AnyTensor): Promise<AnyTensor>;
  /** `matrix[rows[i]] += updates[i]`; a row may occur more than once. */
  addRows(matrix: AnyTensor, rows: AnyTensor, updates: AnyTensor): Promise<void>;
}
