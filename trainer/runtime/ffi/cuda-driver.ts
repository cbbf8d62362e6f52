import { basename } from 'node:path';
import type Koffi from 'koffi';
import type { LibraryHandle } from 'koffi';
import { openKoffi } from './open-koffi.ts';

/** The driver's library: every process that computes on a GPU of NVIDIA's opens it. It comes with the driver, never with an image. */
export const driverLibrary = 'libcuda.so.1';

export interface Gpu {
  /** Such as `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  /** Compute capability, such as 9 and 0. */
  readonly capability: readonly [major: number, minor: number];
  readonly memoryBytes: number;
  /** As NVIDIA's tools write it: `GPU-8f6e…`. */
  readonly uuid: string;
}

export interface CudaDriver {
  /** The newest CUDA that it serves, such as 13 and 0. */
  readonly cuda: readonly [major: number, minor: number];
  /** Those that this process may use. */
  readonly gpus: readonly Gpu[];
}

/** CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR */
const capabilityMajor = 75;
const capabilityMinor = 76;

/**
 * What the driver says of this machine's GPUs. It makes no context, so it takes no memory of theirs.
 *
 * @throws Error where there is no driver, or it does not work, in its own words
 */
export function readCudaDriver(path = driverLibrary): CudaDriver {
  const koffi = openKoffi();
  const library = load(koffi, path);
  const getErrorString = library.func('int cuGetErrorString(int error, _Out_ const char **text)');
  const call = (prototype: string, ...args: readonly unknown[]): void => {
    const code = library.func(prototype)(...args) as number;
    if (code === 0) return;
    const text: (string | null)[] = [null];
    getErrorString(code, text);
    throw new Error(`the NVIDIA driver says: ${text[0] ?? 'unknown error'} (${code})`);
  };
  const number = (prototype: string, ...args: readonly unknown[]): number => {
    const out = [0];
    call(prototype, out, ...args);
    return out[0] as number;
  };

  call('int cuInit(uint32_t flags)', 0);
  const version = number('int cuDriverGetVersion(_Out_ int *version)');
  const count = number('int cuDeviceGetCount(_Out_ int *count)');
  const gpus = Array.from({ length: count }, (_, ordinal): Gpu => {
    const device = number('int cuDeviceGet(_Out_ int *device, int ordinal)', ordinal);
    const [name, uuid] = [Buffer.alloc(256), Buffer.alloc(16)];
    call('int cuDeviceGetName(char *name, int size, int device)', name, name.length, device);
    call('int cuDeviceGetUuid_v2(uint8_t *uuid, int device)', uuid, device);
    const attribute = (which: number) =>
      number('int cuDeviceGetAttribute(_Out_ int *value, int attribute, int device)', which, device);
    return {
      name: name.toString('utf8', 0, name.indexOf(0)),
      capability: [attribute(capabilityMajor), attribute(capabilityMinor)],
      memoryBytes: number('int cuDeviceTotalMem_v2(_Out_ size_t *bytes, int device)', device),
      uuid: `GPU-${uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`,
    };
  });
  return { cuda: [Math.trunc(version / 1000), Math.trunc((version % 1000) / 10)], gpus };
}

function load(koffi: typeof Koffi, path: string): LibraryHandle {
  try {
    return koffi.load(path);
  } catch (error) {
    const { message } = error as Error;
    const reason = /[^:]*$/.exec(message)?.[0].trim() ?? message; // the loader's, which koffi repeats others before
    throw new Error(`found no NVIDIA driver (${basename(path)}: ${reason})`, { cause: error });
  }
}
