import { UnavailableError } from '../../contract/process/errors.ts';
import type { Api, Pointer } from './api.ts';
import type { MemoryCalls } from './counted-memory.ts';
import { type CudaCalls, openCudaCalls } from './cuda-calls.ts';
import type { CudaLibraries } from './cuda-libraries.ts';
import { cudaMemoryCalls } from './cuda-memory.ts';
import { type AppendProvider, bridgedProvider, pluggedProvider } from './cuda-provider.ts';
import { openKoffi } from './open-koffi.ts';

/** How a runtime's programs get to a GPU. */
export interface CudaGpu {
  readonly memory: MemoryCalls;
  readonly append: AppendProvider;
}

/** OrtDeviceAllocator, OrtMemTypeDefault */
const [deviceAllocator, defaultMemory] = [0, 0];
/** cudaStreamNonBlocking */
const nonBlocking = 1;

/** @throws Error where one of them does not load */
export function loadNeeded({ needed, attention }: CudaLibraries): void {
  const koffi = openKoffi();
  for (const path of [...needed, ...attention]) koffi.load(path, { global: true }); // those that follow find it by its name
}

/**
 * Makes a GPU the one of this thread.
 *
 * @param form of the provider: as a part of its core, or as a plugin
 * @throws UnavailableError in CUDA's words where it does not answer
 */
export function openCudaGpu(
  api: Api,
  environment: Pointer,
  { cudart, provider }: CudaLibraries,
  { gpu, form }: { readonly gpu: number; readonly form: 'bridge' | 'plugin' },
): CudaGpu {
  const cuda = openCudaCalls(cudart);
  const stream = openStream(cuda, gpu);
  const memory = api.make('CreateMemoryInfo', 'Cuda', deviceAllocator, gpu, defaultMemory);
  const options = { path: provider, gpu, stream };
  return {
    memory: cudaMemoryCalls(cuda, { memory, gpu, stream }),
    append: form === 'bridge' ? bridgedProvider(api, options) : pluggedProvider(api, environment, options),
  };
}

/** A GPU that the driver tells of may have fallen off its bus, or be another process's: elsewhere, or later, the same may work. */
function openStream(cuda: CudaCalls, gpu: number): Pointer {
  try {
    cuda.call('cudaSetDevice', gpu);
    return cuda.make('cudaStreamCreateWithFlags', nonBlocking);
  } catch (error) {
    throw new UnavailableError(`GPU ${gpu}: ${(error as Error).message}`, { cause: error });
  }
}
