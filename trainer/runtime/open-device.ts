import type { LaneDevice } from './choose-device.ts';
import type { DeviceMemory } from './device-memory.ts';
import { findCudaLibraries } from './ffi/cuda-libraries.ts';
import { FfiRuntime } from './ffi/ffi-runtime.ts';
import { ffiRuntime } from './open-runtime.ts';
import type { Runtime, RuntimeName } from './runtime.ts';

/** Memory of a device, and what runs programs in it. */
export interface Device {
  readonly runtime: Runtime;
  readonly memory: DeviceMemory;
}

/** For this thread, once. A process opens one in its main thread first. @throws Error where ONNX Runtime cannot be called, or there is no such GPU */
export function openDevice(device: LaneDevice, name: RuntimeName): Device {
  const runtime = device.kind === 'cuda' ? runtimeOnGpu(device.gpu) : ffiRuntime(name === 'ops' ? 'ops' : 'ffi');
  if (runtime instanceof Error) throw runtime;
  return { runtime, memory: runtime.deviceMemory() };
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
