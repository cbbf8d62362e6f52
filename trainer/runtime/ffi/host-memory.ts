import type { Api, Pointer } from './api.ts';
import { type MemoryCalls, poison } from './counted-memory.ts';

/**
 * A device without a device: its memory is that of the library's allocator, and as hidden as a real one's.
 *
 * @param memory the library's description of the memory of its allocator
 */
export function hostMemoryCalls(api: Api, memory: Pointer): MemoryCalls {
  const allocator = api.make('GetAllocatorWithDefaultOptions');
  return {
    memory,
    device: 0,
    allocate(bytes) {
      const address = api.make('AllocatorAlloc', allocator, bytes);
      api.bytesAt(address, bytes).fill(poison);
      return address;
    },
    free: (address) => api.call('AllocatorFree', allocator, address),
    copyIn: (from, to) => api.bytesAt(to, from.length).set(from),
    copyOut(copies) {
      for (const { from, to } of copies) to.set(api.bytesAt(from, to.length));
    },
    copy: (from, to, bytes) => api.bytesAt(to, bytes).set(api.bytesAt(from, bytes)),
    fillWithZeros: (at, bytes) => void api.bytesAt(at, bytes).fill(0),
    // All of them have the memory of one process.
    copyFromPeer: (from, _, to, bytes) => api.bytesAt(to, bytes).set(api.bytesAt(from, bytes)),
    finish: () => undefined,
  };
}
