import type { FileHandle } from 'node:fs/promises';

/**
 * Files are read and written in pieces of this size, so that memory stays flat and no call nears 2 GiB. Smaller ones fit into a
 * cache, but each costs a turn of the event loop: with 1 MiB a large file takes twice the CPU time.
 */
export const pieceBytes = 4 << 20;

/** Where some bytes of a file go. */
export interface Piece {
  /** Receives the bytes; may lie in shared memory. */
  readonly bytes: Uint8Array;
  /** Of the first byte in the file. */
  readonly position: number;
}

/**
 * Reads pieces of a file one after the other, each while the one before it is being looked at: whoever asks for the next one
 * must be done with the last. So two buffers in turn are enough.
 *
 * @param ended the error to throw when the file ends before a piece is full
 */
export async function* readAhead<P extends Piece>(
  handle: FileHandle,
  pieces: Iterable<P>,
  ended: () => Error,
): AsyncGenerator<P, void> {
  const iterator = pieces[Symbol.iterator]();
  const start = (): Promise<P> | undefined => {
    const { value: piece, done } = iterator.next();
    if (done) return undefined;
    const read = fill(handle, piece).then((full) => {
      if (full) return piece;
      throw ended();
    });
    read.catch(() => {}); // whoever asks for the piece gets the error
    return read;
  };
  let ahead = start();
  try {
    while (ahead) {
      const piece = await ahead;
      ahead = start();
      yield piece;
    }
  } finally {
    await ahead?.catch(() => {}); // the file may be closed only after the read
  }
}

/** Reads until `bytes` is full; false if the file ends before. */
export async function fill(handle: FileHandle, { bytes, position }: Piece): Promise<boolean> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}
