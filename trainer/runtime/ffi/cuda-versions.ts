import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openCudaCalls } from './cuda-calls.ts';
import type { CudaLibraries } from './cuda-libraries.ts';
import { openKoffi } from './open-koffi.ts';

/** Of CUDA's runtime, such as `13.0`, and of cuDNN where it is beside it, such as `9.14.0`. */
export interface CudaVersions {
  readonly cuda: string;
  readonly cudnn?: string;
}

export function cudaVersions({ cudart }: Pick<CudaLibraries, 'cudart'>): CudaVersions {
  const version = [0];
  openCudaCalls(cudart).call('cudaRuntimeGetVersion', version);
  const cuda = version[0] as number;
  const cudnn = cudnnVersion(dirname(cudart));
  return { cuda: `${Math.trunc(cuda / 1000)}.${Math.trunc((cuda % 1000) / 10)}`, ...(cudnn && { cudnn }) };
}

/** From cuDNN 9 on the number is major · 10 000 + minor · 100 + patch. */
function cudnnVersion(directory: string): string | undefined {
  const name = existsSync(directory) && readdirSync(directory).find((each) => /^libcudnn\.so\.\d+$/.test(each));
  if (!name) return undefined;
  const version = openKoffi().load(join(directory, name)).func('size_t cudnnGetVersion()')() as number;
  return [Math.trunc(version / 10_000), Math.trunc((version % 10_000) / 100), version % 100].join('.');
}
