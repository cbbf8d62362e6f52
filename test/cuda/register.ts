import { openApi } from '../../trainer/runtime/ffi/api.ts';
import { loadNeeded, openCudaGpu } from '../../trainer/runtime/ffi/cuda-gpu.ts';
import { findCudaLibraries } from '../../trainer/runtime/ffi/cuda-libraries.ts';
import { openOps } from '../../trainer/runtime/ffi/ops-library.ts';
import { bridgedProvider, pluggedProvider } from '../../trainer/runtime/ffi/cuda-provider.ts';

/* Loads the real libraries and prints what each step says: a library that is loaded stays, so each driver has a process of its own. */

const libraries = findCudaLibraries();
loadNeeded(libraries);
const api = openApi(libraries.core);
const environment = api.make('CreateEnv', 4, 'r1');
const sessionOptions = api.make('CreateSessionOptions');
const options = { path: libraries.provider, gpu: 0, stream: 0n };

say('kernels', () => openOps(api, { place: 'the library', path: libraries.ops }));
say('bridge', () => bridgedProvider(api, options)(sessionOptions));
say('plugin', () => pluggedProvider(api, environment, options)(sessionOptions));
say('gpu', () => openCudaGpu(api, environment, libraries, { gpu: 0, form: 'bridge' }));
process.exit(0); // the provider's own threads would keep the process

function say(step: string, act: () => unknown): void {
  try {
    act();
    console.log(`${step}: fine`);
  } catch (error) {
    console.log(`${step}: ${(error as Error).message}`);
  }
}
