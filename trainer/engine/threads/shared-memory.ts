import type { ParameterLayout } from '../../models/parameters.ts';
import type { OptimizerMemory, Range } from './protocol.ts';

/** Gradient and moments of what is trained of one model, and room for the sums of squares of its tensors. */
export function optimizerMemory({ tensors, size }: ParameterLayout): OptimizerMemory {
  return {
    gradient: sharedFloats(size),
    m: sharedFloats(size),
    v: sharedFloats(size),
    squares: new Float64Array(new SharedArrayBuffer(tensors.length * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** Zeros in shared memory. */
export function sharedFloats(size: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT));
}

/** Zeros of bfloat16 in shared memory. */
export function sharedHalves(size: number): Uint16Array {
  return new Uint16Array(new SharedArrayBuffer(size * Uint16Array.BYTES_PER_ELEMENT));
}

/** A copy in shared memory. */
export function shared(values: Float32Array): Float32Array {
  const copy = sharedFloats(values.length);
  copy.set(values);
  return copy;
}

/** The share of `count` elements that one of `workers` takes. */
export function share(count: number, worker: number, workers: number): Range {
  return {
    start: Math.floor((count * worker) / workers),
    end: Math.floor((count * (worker + 1)) / workers),
  };
}
