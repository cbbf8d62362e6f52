import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelReport, spills } from './kernel-report.ts';
import { fail, installWheels, run } from './wheels.ts';

/*
 * `npm run build:cuda`: compiles the kernels for GPUs on a machine that needs none. NVIDIA's compiler and the headers of cuDNN come from its Python packages, the
 * rest is what `npm run build:native` needs.
 */

const native = join(import.meta.dirname, '..');
const [toolchain, libraries] = [join(native, 'build/cuda-toolchain'), join(native, 'build/cuda-libraries')];

installWheels(join(native, 'cuda/toolchain.txt'), toolchain);
installWheels(join(native, 'cuda/libraries.txt'), libraries);
run('make', ['-C', native, '-j', 'cuda', `CUDA=${join(toolchain, 'nvidia/cu13')}`, `WHEELS=${libraries}`]);
const built = join(native, 'build/linux-x64-cuda/cuda');
const reports = readdirSync(built).filter((name) => name.endsWith('.ptxas'));
const kernels = kernelReport(reports.map((name) => readFileSync(join(built, name), 'utf8')).join(''));
console.table(kernels);
const spilling = spills(kernels);
if (spilling.length > 0) fail(`${spilling.length} kernels keep registers in memory, expected none: see the table`);
