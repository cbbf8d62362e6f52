import { type Device, devices } from '../contract/settings/device.ts';
import { UserError } from '../contract/process/errors.ts';
import { type CudaDriver, type Gpu, readCudaDriver } from './ffi/cuda-driver.ts';
import { type CudaLibraries, findCudaLibraries } from './ffi/cuda-libraries.ts';

/** No device: its memory is that of the process, as hidden as a device's is, and the processor computes. For tests: only R1_DEVICE asks for it. */
export type HostDevice = 'host';

/** A device that is driven by a thread of its own, a lane. */
export type LaneDevice =
  | { readonly kind: HostDevice }
  /** By its number in this process. */
  | { readonly kind: 'cuda'; readonly gpu: number; readonly of: Gpu };

/** What a stage computes on. */
export interface DeviceChoice {
  readonly name: 'cpu' | 'cuda' | HostDevice;
  /** Those that it can compute on. */
  readonly gpus?: readonly Gpu[];
  /** GPUs that this process could see, and why they stand idle. */
  readonly idle?: { readonly gpus: readonly Gpu[]; readonly because: string };
}

/** What a machine has for computing on GPUs, or why it has not. */
export interface CudaFound {
  readonly driver: CudaDriver | Error;
  readonly libraries: CudaLibraries | Error;
}

const host: HostDevice = 'host';

const laneCounts = [1, 2, 4, 8] as const;

/** What the stage of this process asks for; a process runs one. */
let askedByStage: Device = 'auto';

/**
 * From now on engines of this process compute on what its stage asks for.
 *
 * @throws UserError where it asks for GPUs that cannot be used
 */
export function settleDevice(asked: Device = 'auto'): DeviceChoice {
  askedByStage = asked;
  return chooseDevice(asked);
}

/**
 * Devices that this process computes on instead of worker threads: as many GPUs as a step can be shared out to, or parts of the host, of
 * which `R1_LANES` says how many.
 *
 * @throws UserError where there are no such devices
 */
export function laneDevices(environment: NodeJS.ProcessEnv = process.env): readonly LaneDevice[] {
  return devicesFor(askedByStage, environment);
}

/** The same for a stage of another process. @throws UserError where there are no such devices */
export function devicesFor(
  asked: Device | undefined,
  { R1_DEVICE, R1_LANES }: NodeJS.ProcessEnv = process.env,
): readonly LaneDevice[] {
  if (R1_DEVICE === host) return Array.from({ length: hostLanes(R1_LANES) }, () => ({ kind: host }));
  const { gpus = [] } = chooseDevice(asked, R1_DEVICE);
  const count = laneCounts.findLast((known) => known <= gpus.length) ?? 0;
  return gpus.slice(0, count).map((of, gpu) => ({ kind: 'cuda', gpu, of }));
}

/** @throws UserError where it is no number of lanes */
export function hostLanes(asked: string | undefined): number {
  if (asked === undefined) return 1;
  const count = laneCounts.find((known) => String(known) === asked);
  if (count === undefined) {
    throw new UserError(`R1_LANES: found ${JSON.stringify(asked)}, expected ${laneCounts.join(', ')} or nothing`);
  }
  return count;
}

/** What the kernels are compiled for. */
const least = { cuda: [13, 0], capability: [8, 0] } as const;

const waysOn =
  "on a cluster the stage asks for nvidia.com/gpu and its node has NVIDIA's device plugin and container runtime " +
  '(runtimeClassName: nvidia where that is not the default); device: cpu computes without GPUs';

/**
 * @param asked by the manifest, or by `r1 run --device`; `R1_DEVICE` goes before it, for comparisons
 * @throws UserError where GPUs are asked for and cannot be used: nothing that was meant for them runs on processors instead
 */
export function chooseDevice(asked: Device = 'auto', environment = process.env['R1_DEVICE']): DeviceChoice {
  if (environment === host) return { name: host };
  const device = environment === undefined ? asked : devices.find((known) => known === environment);
  if (device === undefined) {
    throw new UserError(`R1_DEVICE: found ${JSON.stringify(environment)}, expected ${devices.join(', ')} or nothing`);
  }
  foundDriver ??= orError(readCudaDriver);
  return decideDevice(device, { driver: foundDriver, libraries: orError(findCudaLibraries) });
}

/** Asked once: the answer holds for as long as a process lives. */
let foundDriver: CudaFound['driver'] | undefined;

export function decideDevice(device: Device, found: CudaFound): DeviceChoice {
  const unusable = whyUnusable(found);
  if (device !== 'cpu' && unusable === undefined && !(found.driver instanceof Error)) {
    return { name: 'cuda', gpus: found.driver.gpus };
  }
  if (device === 'cuda') throw new UserError(`device: cuda: ${unusable}; ${waysOn}`);
  const gpus = found.driver instanceof Error ? [] : found.driver.gpus;
  if (gpus.length === 0) return { name: 'cpu' };
  return { name: 'cpu', idle: { gpus, because: device === 'cpu' ? 'device: cpu' : String(unusable) } };
}

/** Tells on stderr of a GPU that somebody may pay for. */
export function sayIdleGpus({ idle }: DeviceChoice): void {
  if (idle === undefined) return;
  const names = [...new Set(idle.gpus.map(({ name }) => name))].join(', ');
  console.error(`computing on processors while ${idle.gpus.length} × ${names} stand idle: ${idle.because}`);
}

function whyUnusable({ driver, libraries }: CudaFound): string | undefined {
  if (driver instanceof Error) return driver.message;
  if (driver.gpus.length === 0) return 'the NVIDIA driver shows this process no GPU';
  if (!reaches(driver.cuda, least.cuda)) {
    return `found a driver for CUDA ${driver.cuda.join('.')}, expected one for ${least.cuda.join('.')} or newer`;
  }
  const old = driver.gpus.find(({ capability }) => !reaches(capability, least.capability));
  if (old !== undefined) {
    const expected = `${least.capability.join('.')} or newer`;
    return `found ${old.name} of compute capability ${old.capability.join('.')}, expected ${expected}`;
  }
  if (libraries instanceof Error) return `${libraries.message}, expected what the CUDA image has there`;
  return undefined;
}

function reaches([major, minor]: readonly [number, number], expected: readonly [number, number]): boolean {
  return major > expected[0] || (major === expected[0] && minor >= expected[1]);
}

function orError<Found>(find: () => Found): Found | Error {
  try {
    return find();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
