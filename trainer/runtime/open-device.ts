import type { LaneDevice } from './choose-device.ts';
import type { Gpu } from './ffi/cuda-driver.ts';
import type { DeviceMemory } from './device-memory.ts';
import { findCudaLibraries } from './ffi/cuda-libraries.ts';
import { cudaVersions } from './ffi/cuda-versions.ts';
import { FfiRuntime } from './ffi/ffi-runtime.ts';
import { type Nvml, openNvml } from './ffi/nvml.ts';
import { ffiRuntime } from './open-runtime.ts';
import type { Runtime, RuntimeName } from './runtime.ts';

/** Memory of a device, and what runs programs in it. */
export interface Device {
  readonly runtime: Runtime;
  readonly memory: DeviceMemory;
  /** Of whole sequences, such as cudnn92801, where its kernels have tried one and take it. */
  readonly attentionLibrary?: string | undefined;
}

/** For this thread, once. A process opens one in its main thread first. @throws Error where ONNX Runtime cannot be called, or there is no such GPU */
export function openDevice(device: LaneDevice, name: RuntimeName): Device {
  const runtime = device.kind === 'cuda' ? runtimeOnGpu(device.gpu) : ffiRuntime(name === 'ops' ? 'ops' : 'ffi');
  if (runtime instanceof Error) throw runtime;
  const [, attentionLibrary] = /\+attention-by-(\w+)/.exec(runtime.opsVersion ?? '') ?? [];
  return { runtime, memory: runtime.deviceMemory(), attentionLibrary };
}

const opened = new Map<number, FfiRuntime>();

/** Another core than that of worker threads, which only a thread that computes on GPUs loads. */
export function runtimeOnGpu(gpu: number): FfiRuntime {
  const known = opened.get(gpu);
  if (known !== undefined) return known;
  const runtime = FfiRuntime.openOnGpu(findCudaLibraries(), { gpu, form: 'bridge' });
  opened.set(gpu, runtime);
  return runtime;
}

/** What bits and speed of a GPU depend on besides its kind: the kernels, CUDA, and cuDNN and the driver where they are told. */
export function gpuVersions(): Record<string, string> {
  const { opsVersion: ops = '' } = runtimeOnGpu(0);
  const driver = management()?.driverVersion;
  return { ops, ...cudaVersions(findCudaLibraries()), ...(driver !== undefined && { driver }) };
}

/** Mean share of the last moments in which GPUs computed, 0 … 1; undefined where none of them tells. */
export function gpuUtilization(gpus: readonly Gpu[]): number | undefined {
  const shares = gpus.map(({ uuid }) => management()?.utilization(uuid)).filter((share) => share !== undefined);
  return shares.length === 0 ? undefined : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

let nvml: { readonly opened: Nvml | undefined } | undefined;

function management(): Nvml | undefined {
  nvml ??= { opened: openNvml() };
  return nvml.opened;
}
