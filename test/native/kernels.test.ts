import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const compiler = process.env['CXX'] ?? 'c++';
const compiles = [compiler, 'make'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const reason = compiles ? '' : ` (skipped: it takes ${compiler} and make)`;

/** The program in native/kernels/test: float64 references, finite differences, equal bits; every instruction set of this machine. */
(compiles ? test : test.skip)(
  `the kernels do what they promise${reason}`,
  () => {
    const { status, stderr } = spawnSync('make', ['-s', '-C', 'native/kernels', 'test', `CXX=${compiler}`], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
  900_000, // a build from nothing, on a busy machine
);
