import type { ParameterLayout } from '../../models/parameters.ts';
import type { Range } from '../../optim/adamw.ts';
import { squareBlocks } from '../../optim/clipping.ts';
import { alignedZeros } from '../../runtime/aligned-memory.ts';
import { preferHugePages } from '../../runtime/open-runtime.ts';
import type { OptimizerMemory } from './protocol.ts';

/** Gradient and moments of what is trained of one model, and room for the sums of the gradient's squares. */
export function optimizerMemory({ size }: ParameterLayout): OptimizerMemory {
  return {
    gradient: sharedFloats(size, 1),
    m: sharedFloats(size, 2),
    v: sharedFloats(size, 3),
    squares: new Float64Array(new SharedArrayBuffer(squareBlocks(size).length * Float64Array.BYTES_PER_ELEMENT)),
  };
}

const shiftFloats = 17 * 1024;

/**
 * Zeros in shared memory.
 *
 * @param shift where they begin. Arrays of one size that are read side by side want different ones: at certain distances, such as
 *   256 MiB, a core of AMD takes their lines for one and the same in its first cache, which costs AdamW a third more time
 */
export function sharedFloats(size: number, shift = 0): Float32Array {
  const before = shift * shiftFloats;
  return alignedZeros('float32', before + size, sharedBuffer).subarray(before);
}

/** Zeros of bfloat16 in shared memory. */
export function sharedHalves(size: number): Uint16Array {
  return alignedZeros('bfloat16', size, sharedBuffer);
}

function sharedBuffer(bytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes);
  preferHugePages(buffer);
  return buffer;
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
