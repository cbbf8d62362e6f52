import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDirectory, makeWithin } from '../../../../trainer/contract/files/make-directory.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-make-directory-'));
  await writeFile(join(root, 'file'), '');
  await mkdir(join(root, 'there'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each([
  { path: 'there', within: 'made', withParents: 'made' },
  { path: 'new', within: 'made', withParents: 'made' },
  { path: 'none/new', within: 'ENOENT', withParents: 'made' },
  { path: 'file', within: 'EEXIST', withParents: 'EEXIST' },
  { path: 'file/new', within: 'ENOTDIR', withParents: 'ENOTDIR' },
  { path: '/proc/none/new', within: 'ENOENT', withParents: 'ENOENT' },
])('$path: within its parent $within, with its parents $withParents', async ({ path, within, withParents }) => {
  const directory = path.startsWith('/') ? path : join(root, path);
  for (const [make, expected] of [
    [makeWithin, within],
    [makeDirectory, withParents],
  ] as const) {
    expect(await outcome(directory, make)).toBe(expected);
  }
});

async function outcome(directory: string, make: (path: string) => Promise<void>): Promise<string> {
  try {
    await make(directory);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
  return (await stat(directory)).isDirectory() ? 'made' : 'no directory';
}
