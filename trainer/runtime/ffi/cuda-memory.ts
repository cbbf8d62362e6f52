import { TrainerError } from '../../contract/process/errors.ts';
import type { Pointer } from './api.ts';
import { type MemoryCalls, poison } from './counted-memory.ts';
import { type CudaCalls, CudaError, outOfDeviceMemory, peerAccessEnabled } from './cuda-calls.ts';
import { type Pinned, PinnedMemory } from './pinned-memory.ts';

/** cudaMemcpyKind */
const [hostToDevice, deviceToHost, deviceToDevice] = [1, 2, 3];

/**
 * Memory of the GPU that the thread has chosen. Everything is done on one stream, which programs run on, too. What goes in and out lies in
 * pinned memory on its way, so that only who reads numbers waits, and for no more than these.
 *
 * Copies from another GPU go by NVLink or PCIe where the two reach each other; else the driver takes them through the process.
 *
 * @param memory the library's description of that GPU's memory
 */
export function cudaMemoryCalls(
  cuda: CudaCalls,
  { memory, gpu, stream }: { readonly memory: Pointer; readonly gpu: number; readonly stream: Pointer },
): MemoryCalls {
  const peers = new Set<number>();
  const pinned = new PinnedMemory(cuda, stream);
  return {
    memory,
    device: gpu,
    allocate(bytes) {
      const address = allocated(cuda, bytes);
      cuda.call('cudaMemsetAsync', address, poison, bytes, stream);
      return address;
    },
    free: (address) => cuda.call('cudaFree', address),
    copyIn(from, to) {
      for (const { start, end } of pinned.ranges(from.length)) {
        const room = pinned.take(end - start);
        room.bytes.set(from.subarray(start, end));
        cuda.call('cudaMemcpyAsync', to + BigInt(start), room.address, end - start, hostToDevice, stream);
      }
    },
    copyOut(copies) {
      const asked: { readonly room: Pinned; readonly to: Uint8Array; readonly start: number }[] = [];
      const read = (): void => {
        for (const { room, to, start } of asked.splice(0)) {
          pinned.await(room);
          to.set(room.bytes, start);
        }
      };
      for (const { from, to, start, end } of copies.flatMap((copy) => rangesOf(copy, pinned))) {
        const room = pinned.take(end - start);
        cuda.call('cudaMemcpyAsync', room.address, from + BigInt(start), end - start, deviceToHost, stream);
        pinned.mark(room);
        // What is in the other piece is read while the GPU copies into this one.
        if (asked[0] && asked[0].room.event !== room.event) read();
        asked.push({ room, to, start });
      }
      read();
    },
    copy: (from, to, bytes) => cuda.call('cudaMemcpyAsync', to, from, bytes, deviceToDevice, stream),
    fillWithZeros: (at, bytes) => cuda.call('cudaMemsetAsync', at, 0, bytes, stream),
    copyFromPeer(from, peer, to, bytes) {
      if (!peers.has(peer)) reachPeer(cuda, gpu, peer);
      peers.add(peer);
      cuda.call('cudaMemcpyPeerAsync', to, gpu, from, peer, bytes, stream);
    },
    finish: () => cuda.call('cudaStreamSynchronize', stream),
    usedBytes() {
      const { free, total } = memoryInfo(cuda);
      return total - free;
    },
  };
}

/** A copy out, cut into what pinned memory has room for. */
function rangesOf(copy: { readonly from: Pointer; readonly to: Uint8Array }, pinned: PinnedMemory) {
  return Array.from(pinned.ranges(copy.to.length), (range) => ({ ...copy, ...range }));
}

function allocated(cuda: CudaCalls, bytes: number): Pointer {
  try {
    return cuda.make('cudaMalloc', bytes);
  } catch (error) {
    if (!(error instanceof CudaError) || error.code !== outOfDeviceMemory) throw error;
    const { free, total } = memoryInfo(cuda);
    const found = `${gib(free)} GiB free of the GPU's ${gib(total)}`;
    throw new TrainerError('outOfMemory', `memory of the GPU: found ${found}, expected ${gib(bytes)} more`, {
      cause: error,
    });
  }
}

/** Lets the thread's GPU read another one's memory by itself, where it can. */
function reachPeer(cuda: CudaCalls, gpu: number, peer: number): void {
  const can = [0];
  cuda.call('cudaDeviceCanAccessPeer', can, gpu, peer);
  if (can[0] === 0) return;
  try {
    cuda.call('cudaDeviceEnablePeerAccess', peer, 0);
  } catch (error) {
    if (!(error instanceof CudaError) || error.code !== peerAccessEnabled) throw error;
  }
}

/** Of the thread's GPU, in bytes. */
function memoryInfo(cuda: CudaCalls): { readonly free: number; readonly total: number } {
  const [free, total] = [[0], [0]] as [[number], [number]];
  cuda.call('cudaMemGetInfo', free, total);
  return { free: free[0], total: total[0] };
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2);
}
