import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Device } from '../../../trainer/contract/settings/device.ts';
import {
  chooseDevice,
  type CudaFound,
  decideDevice,
  hostLanes,
  laneDevices,
  settleDevice,
} from '../../../trainer/runtime/choose-device.ts';
import { readCudaDriver } from '../../../trainer/runtime/ffi/cuda-driver.ts';
import { cudaVersions } from '../../../trainer/runtime/ffi/cuda-versions.ts';
import { openNvml } from '../../../trainer/runtime/ffi/nvml.ts';
import { findCudaLibraries } from '../../../trainer/runtime/ffi/cuda-libraries.ts';
import { canCompile, compileLibrary } from '../../support/compile-library.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-device-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const gpu = { name: 'NVIDIA H100', capability: [9, 0], memoryBytes: 80e9, uuid: 'GPU-1' } as const;
const usable: CudaFound = {
  driver: { cuda: [13, 0], gpus: [gpu, gpu] },
  libraries: { needed: [], cudart: 'cudart', core: 'core', provider: 'provider', ops: 'ops', attention: [] },
};

test.each<{ name: string; found: Partial<CudaFound>; says: string }>([
  { name: 'no driver', found: { driver: new Error('found no NVIDIA driver') }, says: 'found no NVIDIA driver' },
  {
    name: 'a driver without a GPU',
    found: { driver: { cuda: [13, 0], gpus: [] } },
    says: 'the NVIDIA driver shows this process no GPU',
  },
  {
    name: 'an old driver',
    found: { driver: { cuda: [12, 9], gpus: [gpu] } },
    says: 'found a driver for CUDA 12.9, expected one for 13.0 or newer',
  },
  {
    name: 'an old GPU beside a new one',
    found: { driver: { cuda: [13, 1], gpus: [gpu, { ...gpu, name: 'Tesla T4', capability: [7, 5] }] } },
    says: 'found Tesla T4 of compute capability 7.5, expected 8.0 or newer',
  },
  {
    name: 'no libraries',
    found: { libraries: new Error('found no libr1ops-cuda.so in /opt/onnxruntime-cuda') },
    says: 'found no libr1ops-cuda.so in /opt/onnxruntime-cuda, expected what the CUDA image has there',
  },
])('a stage that must compute on GPUs is refused in words where there is $name', ({ found, says }) => {
  expect(() => decideDevice('cuda', { ...usable, ...found })).toThrow(`device: cuda: ${says}; on a cluster`);
});

test.each<{ device: Device; found: Partial<CudaFound>; because: string | undefined }>([
  { device: 'auto', found: { driver: new Error('none') }, because: undefined },
  { device: 'cpu', found: { driver: new Error('none') }, because: undefined },
  { device: 'cpu', found: {}, because: 'device: cpu' },
  {
    device: 'auto',
    found: { libraries: new Error('found no core in x') },
    because: expect.stringMatching(/^found no core/) as never,
  },
])(
  'device: $device computes on processors, and tells of GPUs that stand idle: $because',
  ({ device, found, because }) => {
    expect(decideDevice(device, { ...usable, ...found }).idle?.because).toEqual(because);
  },
);

test('R1_DEVICE goes before what the manifest says, and must be a device', () => {
  expect(() => chooseDevice('cpu', 'cuda')).toThrow('device: cuda: ');
  expect(chooseDevice('cuda', 'cpu').name).toBe('cpu');
  expect(chooseDevice('cuda', 'host').name).toBe('host');
  expect(() => chooseDevice('auto', 'gpu')).toThrow('R1_DEVICE: found "gpu", expected auto, cpu, cuda or nothing');
});

test.each(['auto', 'cuda'] as const)('device: %s computes on all GPUs that can be used', (device) => {
  expect(decideDevice(device, usable)).toEqual({ name: 'cuda', gpus: [gpu, gpu] });
});

test('engines compute on worker threads where there is no GPU, or none is asked for', () => {
  expect(laneDevices({})).toEqual([]);
  expect(laneDevices({ R1_DEVICE: 'cpu', R1_LANES: '2' })).toEqual([]);
  expect(laneDevices({ R1_DEVICE: 'host', R1_LANES: '2' })).toEqual([{ kind: 'host' }, { kind: 'host' }]);
});

test('what a stage asks for holds for every engine of its process, and R1_DEVICE goes before it', () => {
  try {
    expect(() => settleDevice('cuda')).toThrow('device: cuda: found no NVIDIA driver');
    expect(() => laneDevices({})).toThrow('device: cuda: found no NVIDIA driver');
    expect(laneDevices({ R1_DEVICE: 'cpu' })).toEqual([]);
  } finally {
    settleDevice('auto');
  }
  expect(laneDevices({})).toEqual([]);
});

test('R1_LANES must be a number of lanes that a step can be shared out to', () => {
  expect([undefined, '1', '2', '4', '8'].map((asked) => hostLanes(asked))).toEqual([1, 1, 2, 4, 8]);
  for (const asked of ['', '0', '3', '16', '1.0', 'two']) {
    expect(() => hostLanes(asked)).toThrow(`R1_LANES: found "${asked}", expected 1, 2, 4, 8 or nothing`);
  }
});

test('libraries for CUDA are taken from one directory, and what is missing there is named', async () => {
  const directory = await mkdtemp(join(root, 'libraries-'));
  const names = ['cudart.so.13', 'cublasLt.so.13', 'cublas.so.13', 'curand.so.10'].map((name) => `lib${name}`);
  names.push('libonnxruntime.so.1.30.0', 'libonnxruntime_providers_cuda.so', 'libr1ops-cuda.so');
  for (const name of names) {
    const missing = name.replace(/\.so\..*/, '.so');
    expect(() => findCudaLibraries(directory)).toThrow(`found no ${missing} in ${directory}`);
    // oxlint-disable-next-line no-await-in-loop -- each is missed once
    await writeFile(join(directory, name), '');
  }
  const paths = names.map((name) => join(directory, name));
  const [cudart, , , , core, provider, ops] = paths;
  const found = { needed: paths.slice(0, 4), cudart, core, provider, ops };
  expect(findCudaLibraries(directory)).toEqual({ ...found, attention: [] });
  // Attention by cuDNN takes both.
  const attention = ['libcudnn.so.9', 'libr1attention.so'].map((name) => join(directory, name));
  await writeFile(attention[1] as string, '');
  expect(findCudaLibraries(directory).attention).toEqual([]);
  await writeFile(attention[0] as string, '');
  expect(findCudaLibraries(directory)).toEqual({ ...found, attention });
});

test('a driver that is not there is told with what was looked for', () => {
  expect(() => readCudaDriver(join(root, 'libabsent.so.1'))).toThrow(/^found no NVIDIA driver \(.*libabsent\.so\.1/);
});

test('asking for a driver leaves the runtime as it is, whichever is first', () => {
  const ask = 'await import("./trainer/runtime/choose-device.ts").then((asked) => asked.chooseDevice("cpu"));';
  const [alone, after] = ['', ask].map((before) => {
    const open = 'console.log((await import("./trainer/runtime/open-runtime.ts")).chooseRuntime());';
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', before + open], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return { stdout, stderr };
  });
  expect(after).toEqual(alone);
});

(canCompile ? test : test.skip)('a driver says what it has, and why it has nothing, in its own words', () => {
  expect(readCudaDriver(fakeDriver({ R1_INIT: 0, R1_CUDA: 13_010, R1_GPUS: 2 }))).toEqual({
    cuda: [13, 1],
    gpus: [
      {
        name: 'Fake GPU',
        capability: [7, 5],
        memoryBytes: 80 * 2 ** 30 + 7,
        uuid: 'GPU-07172737-4757-6777-8797-a7b7c7d7e7f7',
      },
      {
        name: 'Fake GPU',
        capability: [8, 5],
        memoryBytes: 80 * 2 ** 30 + 8,
        uuid: 'GPU-08182838-4858-6878-8898-a8b8c8d8e8f8',
      },
    ],
  });
  const none = { R1_CUDA: 13_000, R1_GPUS: 0 };
  expect(() => readCudaDriver(fakeDriver({ ...none, R1_INIT: 100 }))).toThrow(
    'the NVIDIA driver says: no CUDA-capable device is detected (100)',
  );
  expect(() => readCudaDriver(fakeDriver({ ...none, R1_INIT: 803 }))).toThrow('unknown error (803)');
});

(canCompile ? test : test.skip)('the management library says which driver it is and how busy a GPU is', () => {
  const nvml = openNvml(compileLibrary('test/trainer/runtime/fake-cuda/nvml.c', join(root, 'nvml.so'), { R1_INIT: 0 }));
  expect(nvml?.driverVersion).toBe('580.95.05');
  expect([nvml?.utilization('GPU-1'), nvml?.utilization('GPU-2')]).toEqual([0.37, undefined]);
});

(canCompile ? test : test.skip)('nothing is said where the management library is absent, or does not work', () => {
  const path = compileLibrary('test/trainer/runtime/fake-cuda/nvml.c', join(root, 'broken-nvml.so'), { R1_INIT: 999 });
  expect([openNvml(path), openNvml(join(root, 'libabsent.so'))]).toEqual([undefined, undefined]);
});

(canCompile ? test : test.skip)('CUDA says its version, and cuDNN where it is beside it', async () => {
  const directory = await mkdtemp(join(root, 'versions-'));
  const cudart = join(directory, 'libcudart.so.13');
  compileLibrary('test/trainer/runtime/fake-cuda/cudart.c', cudart, { R1_MEMORY: 0 });
  expect(cudaVersions({ cudart })).toEqual({ cuda: '13.2' });
  await writeFile(join(root, 'cudnn.c'), '#include <stddef.h>\nsize_t cudnnGetVersion(void) { return 91401; }\n');
  compileLibrary(join(root, 'cudnn.c'), join(directory, 'libcudnn.so.9'));
  expect(cudaVersions({ cudart })).toEqual({ cuda: '13.2', cudnn: '9.14.1' });
});

function fakeDriver(answers: Record<string, number>): string {
  const path = join(root, `lib${Object.values(answers).join('-')}.so`);
  return compileLibrary('test/trainer/runtime/fake-cuda/driver.c', path, answers);
}
