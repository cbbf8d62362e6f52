import { openKoffi } from './open-koffi.ts';

/** NVIDIA's management library: what `nvidia-smi` asks. It comes with the driver. */
export const managementLibrary = 'libnvidia-ml.so.1';

export interface Nvml {
  /** Of the driver itself, such as `580.95.05`. */
  readonly driverVersion: string | undefined;
  /** Share of the last moments in which a kernel ran, 0 … 1; undefined where that is not told, as of a part of a GPU. */
  utilization(uuid: string): number | undefined;
}

/** Figures for people, which nothing depends on: what the library does not tell is undefined. */
export function openNvml(path = managementLibrary): Nvml | undefined {
  try {
    const library = openKoffi().load(path);
    if (library.func('int nvmlInit_v2()')() !== 0) return undefined;
    const version = library.func('int nvmlSystemGetDriverVersion(char *version, uint32_t length)');
    const handleOf = library.func('int nvmlDeviceGetHandleByUUID(const char *uuid, _Out_ void **device)');
    // nvmlUtilization_t: of the GPU and of its memory, in percent
    const rates = library.func('int nvmlDeviceGetUtilizationRates(void *device, uint32_t *rates)');
    const text = Buffer.alloc(96);
    const driverVersion = version(text, text.length) === 0 ? text.toString('utf8', 0, text.indexOf(0)) : undefined;
    return {
      driverVersion,
      utilization(uuid) {
        const device: unknown[] = [null];
        const percent = new Uint32Array(2);
        const told = handleOf(uuid, device) === 0 && rates(device[0], percent) === 0;
        return told ? (percent[0] as number) / 100 : undefined;
      },
    };
  } catch {
    return undefined;
  }
}
