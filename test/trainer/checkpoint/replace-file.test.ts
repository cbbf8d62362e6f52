import { existsSync } from 'node:fs';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { partialOf } from '../../../trainer/checkpoint/partials.ts';
import { replaceFile } from '../../../trainer/checkpoint/replace-file.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

test('replaces a file as a whole', async () => {
  await writeFile(join(directory(), 'a'), 'old content');
  await replaceFile(join(directory(), 'a'), 'new');
  expect(await readFile(join(directory(), 'a'), 'utf8')).toBe('new');
  expect(await readdir(directory())).toEqual(['a']);
});

(existsSync('/dev/full') ? test : test.skip)('a full disk leaves the old file and nothing half-written', async () => {
  await writeFile(join(directory(), 'a'), 'old');
  await symlink('/dev/full', partialOf(join(directory(), 'a')));
  await expect(replaceFile(join(directory(), 'a'), 'new')).rejects.toThrow('ENOSPC');
  expect(await readFile(join(directory(), 'a'), 'utf8')).toBe('old');
  expect(await readdir(directory())).toEqual(['a']);
});
