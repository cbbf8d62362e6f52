import { DevicePassMemory } from '../../trainer/passes/device-pass-memory.ts';
import { ExecutableCache } from '../../trainer/runtime/executable-cache.ts';
import { FfiRuntime } from '../../trainer/runtime/ffi/ffi-runtime.ts';

/** A device whose memory is the host's, hidden. */
export function hostDevice() {
  const runtime = FfiRuntime.open();
  const device = runtime.deviceMemory();
  const programs = new ExecutableCache(runtime, 32);
  return { runtime, device, programs, memory: new DevicePassMemory(device, programs) };
}
