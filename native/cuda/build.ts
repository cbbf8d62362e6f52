import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelReport, spills } from './kernel-report.ts';

/*
 * `npm run build:cuda`: compiles the kernels for GPUs on a machine that needs none. NVIDIA's compiler comes from its Python packages, the
 * rest is what `npm run build:native` needs.
 */

const native = join(import.meta.dirname, '..');
const toolchain = join(native, 'build/cuda-toolchain');
const requirements = join(native, 'cuda/toolchain.txt');

fetchToolchain();
run('make', ['-C', native, '-j', 'cuda', `CUDA=${join(toolchain, 'nvidia/cu13')}`]);
const kernels = kernelReport(readFileSync(join(native, 'build/linux-x64-cuda/cuda/kernels.ptxas'), 'utf8'));
console.table(kernels);
const spilling = spills(kernels);
if (spilling.length > 0) fail(`${spilling.length} kernels keep registers in memory, expected none: see the table`);

/** Once, until other packages are named. */
function fetchToolchain(): void {
  const stamp = join(toolchain, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(toolchain, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  run('python3', ['-m', 'pip', 'install', ...options, '--target', toolchain, '--requirement', requirements]);
  writeFileSync(stamp, wanted);
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error) fail(`${program}: ${error.message}, expected it on this machine`);
  if (status !== 0) fail(`${program} ended with ${status}`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
