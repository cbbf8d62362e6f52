import { openKoffi } from './open-koffi.ts';
import type { Pointer } from './api.ts';

/** Functions of CUDA's runtime library that are called, with their parameters. Each answers with an error code. */
const functions = {
  cudaRuntimeGetVersion: '_Out_ int *',
  cudaSetDevice: 'int',
  cudaMemGetInfo: '_Out_ size_t *, _Out_ size_t *',
  cudaMalloc: '_Out_ void **, size_t',
  cudaFree: 'void *',
  cudaHostAlloc: '_Out_ void **, size_t, uint32_t',
  cudaMemcpyAsync: 'void *, void *, size_t, int, void *',
  cudaMemcpyPeerAsync: 'void *, int, void *, int, size_t, void *',
  cudaDeviceCanAccessPeer: '_Out_ int *, int, int',
  cudaDeviceEnablePeerAccess: 'int, uint32_t',
  cudaMemsetAsync: 'void *, int, size_t, void *',
  cudaStreamCreateWithFlags: '_Out_ void **, uint32_t',
  cudaStreamSynchronize: 'void *',
  cudaEventCreateWithFlags: '_Out_ void **, uint32_t',
  cudaEventRecord: 'void *, void *',
  cudaEventSynchronize: 'void *',
} as const;

type Name = keyof typeof functions;
/** Those whose first parameter is what they make. */
type Maker = 'cudaMalloc' | 'cudaHostAlloc' | 'cudaStreamCreateWithFlags' | 'cudaEventCreateWithFlags';

/** cudaErrorMemoryAllocation, of the GPU's memory and of locked memory of the process */
export const outOfDeviceMemory = 2;
/** cudaErrorPeerAccessAlreadyEnabled */
export const peerAccessEnabled = 704;

/** What CUDA says of a call that failed. */
export class CudaError extends Error {
  readonly code: number;

  constructor(name: string, code: number, says: string) {
    super(`${name}: ${says} (CUDA error ${code})`);
    this.name = 'CudaError';
    this.code = code;
  }
}

/** CUDA's runtime library. */
export interface CudaCalls {
  /** @throws CudaError */
  call(name: Name, ...args: readonly unknown[]): void;
  /** Calls a function whose first parameter is what it makes. @throws CudaError */
  make(name: Maker, ...args: readonly unknown[]): Pointer;
  /** Memory of the process, as long as nobody frees it. */
  bytesAt(address: Pointer, bytes: number): Uint8Array;
}

/** @param path of `libcudart.so` */
export function openCudaCalls(path: string): CudaCalls {
  const koffi = openKoffi();
  const library = koffi.load(path);
  const getErrorString = library.func('const char *cudaGetErrorString(int error)') as (code: number) => string;
  const known = new Map(
    Object.entries(functions).map(([name, parameters]) => [name, library.func(`int ${name}(${parameters})`)]),
  );
  const call: CudaCalls['call'] = (name, ...args) => {
    const code = known.get(name)?.(...args) as number;
    if (code !== 0) throw new CudaError(name, code, getErrorString(code));
  };
  return {
    call,
    make(name, ...args) {
      const made: (Pointer | null)[] = [null];
      call(name, made, ...args);
      return made[0] as Pointer;
    },
    bytesAt: (address, bytes) => new Uint8Array(koffi.view(address, bytes)),
  };
}
