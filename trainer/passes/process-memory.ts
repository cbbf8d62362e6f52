import type { PortType } from '../graph/program.ts';
import { sizeOf } from '../graph/shape.ts';
import {
  type AnyTensor,
  floatTensor,
  indexTensor,
  inProcess,
  release,
  type Tensor,
  wordsOf,
  writeIndices,
} from '../runtime/tensor.ts';
import { alignedZeros, zeros } from '../runtime/aligned-memory.ts';
import type { PassMemory } from './pass-memory.ts';

/**
 * Memory of the process, by name: what one run after the other uses again. Arrays that are made anew for every run pile up, as the garbage
 * collector sees little of them.
 */
export class ProcessMemory implements PassMemory {
  readonly #arrays = new Map<string, Float32Array>();

  tensor(name: string, dims: readonly number[], type: PortType = 'float32'): Tensor {
    if (type !== 'float32') return zeros(type, dims); // few and small
    const size = sizeOf(dims);
    let array = this.#arrays.get(name);
    if (array === undefined || array.length < size) {
      if (array) release(array);
      array = alignedZeros('float32', size);
      this.#arrays.set(name, array);
    }
    return floatTensor(array.subarray(0, size), dims);
  }

  /**
   * They lie in one array, which an allocator takes from the system and gives back: among many smaller ones the gaps between what programs
   * allocate and free would stay with the process.
   */
  tensors(name: string, count: number, dims: readonly number[]): Tensor[] {
    const data = floatsOf(this.tensor(name, [count, ...dims]));
    const size = sizeOf(dims);
    return Array.from({ length: count }, (_, at) => floatTensor(data.subarray(at * size, (at + 1) * size), dims));
  }

  floats(_: string, values: Float32Array, dims: readonly number[]): Tensor {
    return floatTensor(values, dims);
  }

  async indices(_: string, values: readonly number[], dims: readonly number[]): Promise<Tensor> {
    return indexTensor(values, dims);
  }

  async writeIndices(tensor: AnyTensor, values: readonly number[]): Promise<void> {
    writeIndices(inProcess(tensor), values);
  }

  fillWithZeros(tensor: AnyTensor): void {
    floatsOf(tensor).fill(0);
  }

  read(tensor: AnyTensor): Float32Array {
    return floatsOf(tensor);
  }

  readAll(tensors: readonly AnyTensor[]): readonly Float32Array[] {
    return tensors.map(floatsOf);
  }

  async pickRows(matrix: AnyTensor, rows: AnyTensor): Promise<Tensor> {
    const [[count], [, width]] = [rows.dims, matrix.dims] as [[number], [number, number]];
    const [all, places, picked] = [floatsOf(matrix), indexWords(rows), new Float32Array(count * width)];
    for (let i = 0; i < count; i++) {
      const row = places[2 * i] as number;
      picked.set(all.subarray(row * width, (row + 1) * width), i * width);
    }
    return floatTensor(picked, [count, width]);
  }

  async addRows(matrix: AnyTensor, rows: AnyTensor, updates: AnyTensor): Promise<void> {
    const [count, width] = updates.dims as [number, number];
    const [sum, places, data] = [floatsOf(matrix), indexWords(rows), floatsOf(updates)];
    for (let i = 0; i < count; i++) {
      const [to, from] = [(places[2 * i] as number) * width, i * width];
      for (let j = 0; j < width; j++) sum[to + j] = (sum[to + j] as number) + (data[from + j] as number);
    }
  }
}

/** Of index i the word 2i. */
function indexWords(tensor: AnyTensor): Int32Array {
  return wordsOf(inProcess(tensor));
}

function floatsOf(tensor: AnyTensor): Float32Array {
  return inProcess(tensor).data as Float32Array;
}
