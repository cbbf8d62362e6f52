import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';

test('npx r1 runs on the pinned Node and prints the version without noise', async () => {
  const { stdout, stderr } = await promisify(execFile)('npx', ['--no-install', 'r1', '--version'], {
    env: { ...process.env, NODE_OPTIONS: '', npm_config_loglevel: 'silent' },
  });
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect([stdout, stderr]).toEqual([`${version}\n`, '']);
});

test.each([
  { args: ['--help'], code: 0 },
  { args: ['run', '--help'], code: 0 },
  { args: ['nonsense'], code: 64 },
  { args: ['run'], code: 64 },
  { args: ['generate', '.', '--prompt', 'x', '--temperature', 'hot'], code: 64 },
  { args: ['generate', '.', '--prompt', 'x', '--samples', '0'], code: 64 },
])('r1 $args exits with $code', async ({ args, code }) => {
  const result = await r1(args);
  expect(result.code).toBe(code);
  expect(code === 0 ? result.stderr : result.stdout).toBe('');
});
