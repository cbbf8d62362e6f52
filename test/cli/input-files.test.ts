import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const directory = useSharedDirectory();
const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  await mkdir(join(directory(), 'directory'));
  await writeFile(join(directory(), 'file'), '');
  await symlink('loop', join(directory(), 'loop'));
  await writeFile(join(directory(), 'locked'), '');
  await chmod(join(directory(), 'locked'), 0);
});

test.each([
  { command: ['run'], expected: 'a manifest' },
  { command: ['apply', '--context', 'none', '-f'], expected: 'a manifest' },
  { command: ['grade'], expected: 'a JSONL or Parquet file' },
  { command: ['evaluate', 'directory', '--data'], expected: 'a JSONL or Parquet file' },
  { command: ['get', '--kubeconfig'], expected: 'a kubeconfig' },
])('r1 $command says in one line that it found no file', async ({ command, expected }) => {
  for (const [file, found] of [
    ['nothing', 'no such file'],
    ['directory', 'a directory'],
  ] as const) {
    const { code, stdout, stderr } = await r1([...command, file], { cwd: directory() });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr.replace(`${directory()}/`, '')).toBe(`r1: ${file}: found ${found}, expected ${expected}\n`);
  }
});

test('says what stands in the place of each file, or keeps it from being read', async () => {
  const found = [
    ['nothing/below', 'no such file'],
    ['file/below', 'a file where its path has a directory'],
    ['loop', 'symbolic links that lead in a circle'],
    ['x'.repeat(300), 'a longer name than the system takes'],
    ...(isRoot ? [] : [['locked', 'a file that this user may not read']]),
  ];
  const { code, stderr } = await r1(['validate', ...found.map(([file = '']) => file)], { cwd: directory() });
  expect([code, stderr]).toEqual([
    64,
    found.map(([file, words]) => `${file}: found ${words}, expected a manifest\n`).join(''),
  ]);
});

test.each([
  { command: ['run'], says: 'found no document, expected an R1Pipeline' },
  { command: ['validate'], says: 'found no document, expected an R1Pipeline' },
  { command: ['apply', '--context', 'none', '-f'], says: 'found no document, expected an R1Pipeline' },
  { command: ['grade'], says: 'found no rows, expected some with completion and answer' },
  { command: ['evaluate', 'directory', '--data'], says: 'found no rows, expected at least one' },
  { command: ['inspect'], says: 'found a file, expected the directory of a checkpoint or model, or PIPELINE/STAGE' },
  {
    command: ['generate', '--prompt', 'x'],
    says: 'found a file, expected the directory of a checkpoint or model, or PIPELINE/STAGE',
  },
])('r1 $command refuses an empty file', async ({ command, says }) => {
  const { code, stdout, stderr } = await r1([...command, 'file'], { cwd: directory() });
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain(`file: ${says}`);
});
