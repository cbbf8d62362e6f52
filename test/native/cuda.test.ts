import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

/** The program in native/cuda/test: float64 references, and the same bits in other orders of threads. */
const compiler = process.env['CXX'] ?? 'c++';
const missing = ['make', compiler].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const skipped = missing.length > 0 && `it takes ${missing.join(' and ')}`;

(skipped ? test.skip : test)(
  `the kernels for CUDA do what they promise, run on the CPU${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  () => {
    const { status, stderr } = spawnSync('make', ['-s', '-C', 'native/cuda', 'test', `CXX=${compiler}`], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
  900_000, // a build from nothing, on a busy machine
);
