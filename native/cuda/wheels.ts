import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Installs the Python packages of a requirements file into a directory of their own: once, until other packages are named. Those that are
 * made for a version of Python are taken for 3.11, since nobody runs them.
 */
export function installWheels(requirements: string, target: string): void {
  const stamp = join(target, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(target, { recursive: true, force: true });
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  const platforms = ['manylinux_2_27_x86_64', 'manylinux_2_28_x86_64', 'manylinux2014_x86_64', 'manylinux_2_17_x86_64'];
  const machine = [...platforms.flatMap((name) => ['--platform', name]), '--python-version', '3.11'];
  run('python3', ['-m', 'pip', 'install', ...options, ...machine, '--target', target, '--requirement', requirements]);
  writeFileSync(stamp, wanted);
}

/** Runs a program to its end; where that is a bad one, this one's, too. */
export function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (error) fail(`${program}: ${error.message}, expected it on this machine`);
  if (status !== 0) fail(`${program} ended with ${status}`);
}

export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
