import { Tensor } from 'onnxruntime-node';

export type { Tensor };

/** A float32 tensor over `data` (not a copy; the binding refuses shared memory). */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', data, dims);
}

/** An int64 tensor of non-negative 32-bit numbers such as token ids, and the words to change them in place. */
export class IndexTensor {
  readonly tensor: Tensor;
  readonly #words: Int32Array;

  constructor(values: ArrayLike<number>, dims: readonly number[]) {
    this.#words = new Int32Array(2 * values.length);
    this.tensor = new Tensor('int64', new BigInt64Array(this.#words.buffer), dims);
    for (let i = 0; i < values.length; i++) this.set(i, values[i] as number);
  }

  set(index: number, value: number): void {
    this.#words[2 * index] = value; // little-endian: the low word comes first, the high word stays 0
  }
}

/** An int64 tensor of non-negative 32-bit numbers. */
export function indexTensor(values: ArrayLike<number>, dims: readonly number[]): Tensor {
  return new IndexTensor(values, dims).tensor;
}

/** The values of a float32 output. */
export function floats(outputs: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the program has no float32 output ${name}`);
  return data;
}

/** Frees an output's memory now instead of at some later garbage collection, which lets a large model's pile up. */
export function release(output: Float32Array): void {
  if (output.buffer instanceof ArrayBuffer) output.buffer.transfer(0);
}
