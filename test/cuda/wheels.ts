import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/* Programs against NVIDIA's own libraries and headers: `npm run test:cuda` installs them and names their directory. */

const directory = process.env['R1_CUDA_WHEELS'];
const skipped = directory === undefined ? ' (SKIPPED: it takes npm run test:cuda)' : '';

export function wheel(path: string): string {
  return join(directory as string, path);
}

/** A test that compiles something large. */
export function testWithWheels(name: string, run: () => void): void {
  (skipped === '' ? test : test.skip)(`${name}${skipped}`, run, 900_000);
}

/** Compiles programs of native/cuda/test/real. */
export function compileReal(program: string, sources: readonly string[]): void {
  const folders = ['include', 'nvidia/cudnn/include', 'nvidia/cu13/include'].flatMap((path) => [
    '-isystem',
    wheel(path),
  ]);
  runToEnd(process.env['CXX'] ?? 'c++', ['-std=c++20', '-Wall', '-Wextra', ...folders, '-o', program, ...sources]);
}

/** @returns what the program prints */
export function runToEnd(program: string, args: readonly string[]): string {
  const libraries = ['nvidia/cudnn/lib', 'nvidia/cu13/lib'].map(wheel).join(':');
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', env });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}
