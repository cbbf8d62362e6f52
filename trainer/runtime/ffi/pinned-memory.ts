import { TrainerError } from '../../contract/process/errors.ts';
import { pinnedBytes } from '../device-memory.ts';
import type { Pointer } from './api.ts';
import { type CudaCalls, CudaError, outOfDeviceMemory } from './cuda-calls.ts';

/** One is filled while the GPU still copies the other. */
const pieces = 2;
const pieceBytes = pinnedBytes / pieces;
/** What a GPU copies at once. */
const alignment = 256;
/** cudaHostAllocDefault: for the thread's GPU alone. */
const ofThisGpu = 0;
/** cudaEventDisableTiming; a thread that waits for one does so awake, as a token takes less time than waking up. */
const noTiming = 2;

interface Piece {
  readonly address: Pointer;
  readonly bytes: Uint8Array;
  /** What was asked for last that uses this piece. */
  readonly event: Pointer;
  /** From its start on. */
  taken: number;
}

/** A place in pinned memory, for one copy. */
export interface Pinned {
  readonly address: Pointer;
  readonly bytes: Uint8Array;
  readonly event: Pointer;
}

/**
 * Memory of the process that the GPU reads and writes by itself. From memory that the system may move (pageable) the driver copies through a
 * buffer of its own, for which it may first wait for all that the stream still has to do; what lies here is copied in the stream's order, and
 * the thread goes on.
 */
export class PinnedMemory {
  readonly #cuda: CudaCalls;
  readonly #stream: Pointer;
  readonly #pieces: readonly Piece[];
  #current = 0;

  /** @throws TrainerError out of memory, where the system locks no more of it */
  constructor(cuda: CudaCalls, stream: Pointer) {
    this.#cuda = cuda;
    this.#stream = stream;
    this.#pieces = Array.from({ length: pieces }, () => {
      const address = locked(cuda);
      const event = cuda.make('cudaEventCreateWithFlags', noTiming);
      return { address, bytes: cuda.bytesAt(address, pieceBytes), event, taken: 0 };
    });
  }

  /** Ranges of so many bytes, each of which has room here. */
  *ranges(bytes: number): Generator<{ readonly start: number; readonly end: number }> {
    for (let start = 0; start < bytes; start += pieceBytes) yield { start, end: Math.min(bytes, start + pieceBytes) };
  }

  /**
   * Room for a copy that is asked for before the next call. It waits only where the GPU has not come to the end of what used the next piece.
   *
   * @param bytes of a range
   */
  take(bytes: number): Pinned {
    let piece = this.#pieces[this.#current] as Piece;
    if (piece.taken + bytes > pieceBytes) {
      this.#cuda.call('cudaEventRecord', piece.event, this.#stream);
      this.#current = (this.#current + 1) % pieces;
      piece = this.#pieces[this.#current] as Piece;
      // An event that nobody has recorded is over.
      this.#cuda.call('cudaEventSynchronize', piece.event);
      piece.taken = 0;
    }
    const { address, taken, event } = piece;
    piece.taken += Math.ceil(bytes / alignment) * alignment;
    return { address: address + BigInt(taken), bytes: piece.bytes.subarray(taken, taken + bytes), event };
  }

  /** What is asked for until now is what `await` waits for. */
  mark({ event }: Pinned): void {
    this.#cuda.call('cudaEventRecord', event, this.#stream);
  }

  await({ event }: Pinned): void {
    this.#cuda.call('cudaEventSynchronize', event);
  }
}

function locked(cuda: CudaCalls): Pointer {
  try {
    return cuda.make('cudaHostAlloc', pieceBytes, ofThisGpu);
  } catch (error) {
    if (!(error instanceof CudaError) || error.code !== outOfDeviceMemory) throw error;
    const expected = `${pieceBytes / 2 ** 20} MiB more`;
    throw new TrainerError(
      'outOfMemory',
      `locked memory of the process, for copies to and from the GPU: found none, expected ${expected}`,
      { cause: error },
    );
  }
}
