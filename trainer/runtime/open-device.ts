import type { DeviceMemory } from './device-memory.ts';
import { ffiRuntime } from './open-runtime.ts';
import type { Runtime, RuntimeName } from './runtime.ts';

/** Memory of a device, and what runs programs in it. */
export interface Device {
  readonly runtime: Runtime;
  readonly memory: DeviceMemory;
}

/** For this thread. @throws Error where ONNX Runtime cannot be called */
export function openDevice(name: RuntimeName): Device {
  const runtime = ffiRuntime(name === 'ops' ? 'ops' : 'ffi');
  if (runtime instanceof Error) throw runtime;
  return { runtime, memory: runtime.deviceMemory() };
}
