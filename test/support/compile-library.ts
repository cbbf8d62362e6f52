import { spawnSync } from 'node:child_process';
import { expect } from '@jest/globals';

const compiler = process.env['CC'] ?? 'cc';

/** Stands in for a library that this machine cannot have. */
export const canCompile = spawnSync(compiler, ['--version']).status === 0;

/** Compiles a C source for what it shall answer. */
export function compileLibrary(
  source: string,
  path: string,
  defined: Record<string, number> = {},
  flags: readonly string[] = [],
): string {
  const defines = Object.entries(defined).map(([name, value]) => `-D${name}=${value}`);
  const args = ['-shared', '-fPIC', '-Wall', '-Werror', '-o', path, ...defines, ...flags, source];
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return path;
}
