import { spawnSync } from 'node:child_process';
import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileLibrary } from '../support/compile-library.ts';

/*
 * ONNX Runtime for CUDA itself, up to where a device is missing. The driver is one that has no GPU: the provider links against a driver's
 * library and loads nowhere without one. R1_CUDA_LIBRARIES names the directory; see docs/gpu.md for what belongs there.
 */

const skipped =
  process.env['R1_CUDA_LIBRARIES'] === undefined ? ' (SKIPPED: R1_CUDA_LIBRARIES names no directory)' : '';
const realTest = skipped === '' ? test : test.skip;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-cuda-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

realTest(
  `the provider registers in both of its forms, and says what there is no GPU for${skipped}`,
  async () => {
    const source = join(root, 'driver.c');
    await copyFile('test/trainer/runtime/fake-cuda/driver.c', source);
    await appendFile(source, 'int cuTensorMapEncodeTiled(void) { return 100; }\n');
    const flags = ['-Wl,-soname,libcuda.so.1'];
    compileLibrary(source, join(root, 'libcuda.so.1'), { R1_INIT: 100, R1_CUDA: 13_000, R1_GPUS: 0 }, flags);
    const said = register({ LD_LIBRARY_PATH: root });
    expect(said).toEqual([
      'kernels: fine',
      expect.stringMatching(/^bridge: .*"device_id": CUDA failure 100: no CUDA-capable device is detected/),
      expect.stringMatching(/^plugin: \S+libonnxruntime_providers_cuda\.so: found 0 GPUs, expected number 0$/),
      'gpu: GPU 0: cudaSetDevice: no CUDA-capable device is detected (CUDA error 100)',
    ]);
  },
  120_000,
);

realTest(
  `without a driver the provider does not load, and says so${skipped}`,
  () => {
    const [kernels, bridge, plugin, gpu] = register({});
    expect(kernels).toBe('kernels: fine');
    expect(bridge).toMatch(
      /^bridge: .*Failed to load library \S+ with error: libcuda\.so\.1: cannot open shared object file/,
    );
    expect(plugin).toMatch(/^plugin: .*libcuda\.so\.1: cannot open shared object file/);
    expect(gpu).toMatch(/^gpu: GPU 0: cudaSetDevice: CUDA driver version is insufficient .* \(CUDA error 35\)$/);
  },
  120_000,
);

function register(more: Record<string, string>): string[] {
  const env = { ...process.env, ...more, NODE_OPTIONS: '' };
  const { stdout, status } = spawnSync(process.execPath, ['test/cuda/register.ts'], { encoding: 'utf8', env });
  expect(status).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}
