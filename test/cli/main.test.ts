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

test.each([
  { args: ['apply', '-f', 'p.yaml'], instead: 'r1 run p.yaml runs it' },
  { args: ['suspend', 'p'], instead: 'Ctrl-C at r1 run saves and stops' },
  { args: ['resume', 'p'], instead: 'the same r1 run goes on' },
  { args: ['rerun', 'p', '--from', 'a'], instead: 'r1 run FILE --rerun-from a' },
  { args: ['delete', 'p'], instead: 'remove its directory' },
])('r1 $args asks for a cluster, and says what does it on this machine', async ({ args, instead }) => {
  const { code, stderr } = await r1(args);
  expect(code).toBe(64);
  expect(stderr).toMatch(/expected one that names a cluster; on this machine .*\n$/);
  expect(stderr).toContain(instead);
});

test.each([
  { args: ['--kubeconfig', '/nowhere'], says: '/nowhere: found no such file, expected a kubeconfig' },
  { args: ['--kubeconfig', 'package.json'], says: 'package.json: found' },
  { args: ['--context', 'in-cluster'], says: 'found no KUBERNETES_SERVICE_HOST, expected to run in a pod' },
])('r1 get $args says what is wrong with it', async ({ args, says }) => {
  expect(await r1(['get', ...args])).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(says) });
});
