import type { PortType } from '../graph/program.ts';
import { sizeOf } from '../graph/shape.ts';
import { openKoffi } from './ffi/open-koffi.ts';
import { arrays, type Tensor, type TensorData } from './tensor.ts';

const lineBytes = 64;

/**
 * `count` zeros that begin with a line of the processor's cache, so that vectors of 64 bytes do not lie in two lines each. Arrays that V8 makes
 * begin 16 bytes behind a line, which costs what reads weights from memory a fifth of its time.
 *
 * @param room makes a buffer of so many bytes
 */
export function alignedZeros<T extends PortType>(
  type: T,
  count: number,
  room: (bytes: number) => ArrayBufferLike = (bytes) => new ArrayBuffer(bytes),
): TensorData[T] {
  const Data = arrays[type] as unknown as new (
    buffer: ArrayBufferLike,
    byteOffset: number,
    length: number,
  ) => TensorData[T];
  const buffer = room(count * arrays[type].BYTES_PER_ELEMENT + lineBytes);
  return new Data(buffer, bytesToLine(buffer), count);
}

/** A tensor of them. */
export function zeros(type: PortType, dims: readonly number[]): Tensor {
  return { type, dims, data: alignedZeros(type, sizeOf(dims)) };
}

/** From a buffer's beginning on; 0 where nothing native is called, and nobody knows an address. */
function bytesToLine(buffer: ArrayBufferLike): number {
  const address = addressOf(new Uint8Array(buffer));
  return address === undefined ? 0 : Number(-address & BigInt(lineBytes - 1));
}

function addressOf(memory: Uint8Array): bigint | undefined {
  try {
    return openKoffi().address(memory);
  } catch {
    return undefined;
  }
}
