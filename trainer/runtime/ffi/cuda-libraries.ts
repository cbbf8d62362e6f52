import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the CUDA image has them. `R1_CUDA_LIBRARIES` names another directory. */
const imageDirectory = '/opt/onnxruntime-cuda';

/** ONNX Runtime for CUDA and our kernels: core and provider are of one version, since each is compiled against the other. */
export interface CudaLibraries {
  /** CUDA's own libraries that the others need, each after those that it needs. */
  readonly needed: readonly string[];
  /** CUDA's runtime, one of them. */
  readonly cudart: string;
  readonly core: string;
  readonly provider: string;
  readonly ops: string;
  /** Attention by cuDNN, and cuDNN before it, where they are there: kernels find them by their names. */
  readonly attention: readonly string[];
}

/** @throws Error naming the directory and what is not in it */
export function findCudaLibraries(directory = process.env['R1_CUDA_LIBRARIES'] ?? imageDirectory): CudaLibraries {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const find = (pattern: RegExp, shown: string): string => {
    const name = names.find((each) => pattern.test(each));
    if (name === undefined) throw new Error(`found no ${shown} in ${directory}`);
    return join(directory, name);
  };
  const known = (pattern: RegExp): string[] =>
    names.filter((name) => pattern.test(name)).map((name) => join(directory, name));
  const attention = [known(/^libcudnn\.so\.\d+$/), known(/^libr1attention\.so$/)];
  const cudart = find(/^libcudart\.so\.\d+$/, 'libcudart.so');
  return {
    needed: [
      cudart,
      ...['cublasLt', 'cublas', 'curand'].map((name) => find(RegExp(`^lib${name}\\.so\\.\\d+$`), `lib${name}.so`)),
    ],
    cudart,
    core: find(/^libonnxruntime\.so\.\d+(\.\d+)*$/, 'libonnxruntime.so'),
    provider: find(/^libonnxruntime_providers_cuda\.so$/, 'libonnxruntime_providers_cuda.so'),
    ops: find(/^libr1ops-cuda\.so$/, 'libr1ops-cuda.so'),
    attention: attention.every((paths) => paths.length > 0) ? attention.flat() : [],
  };
}
