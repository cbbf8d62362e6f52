import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const compiler = process.env['CXX'] ?? 'c++';

/** The program in native/kernels/test: float64 references, finite differences, equal bits. */
testOn('this machine, with every instruction set of it', ['test', `CXX=${compiler}`], whyNot([compiler]));
testOn(
  'arm64, emulated',
  ['test-arm64'],
  process.env['R1_LONG_TESTS'] === '1'
    ? whyNot(['aarch64-linux-gnu-g++', 'qemu-aarch64'])
    : 'it takes minutes, and R1_LONG_TESTS=1',
);

function testOn(machine: string, goals: readonly string[], skipped: string | undefined): void {
  (skipped === undefined ? test : test.skip)(
    `the kernels do what they promise on ${machine}${skipped === undefined ? '' : ` (SKIPPED: ${skipped})`}`,
    () => {
      const { status, stderr } = spawnSync('make', ['-s', '-C', 'native/kernels', ...goals], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
    900_000, // a build from nothing, on a busy machine
  );
}

function whyNot(tools: readonly string[]): string | undefined {
  const missing = ['make', ...tools].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  return missing.length === 0 ? undefined : `it takes ${missing.join(' and ')}`;
}
