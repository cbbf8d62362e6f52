import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { DiskFullError } from '../../../../trainer/contract/process/errors.ts';
import { namingFullDisk } from '../../../../trainer/contract/process/full-disk.ts';

function refused(code: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(`${code}: write`), { code }));
}

test.each([
  { code: 'ENOSPC', bytes: 12, says: /^.*none\/file: no space left on the device: 12 bytes are needed, \d+ are free$/ },
  { code: 'EDQUOT', bytes: undefined, says: /^.*none\/file: no space left on the device: \d+ bytes are free$/ },
])('$code is a full disk, with the room there is where the file would be', async ({ code, bytes, says }) => {
  const writing = namingFullDisk(join(tmpdir(), 'none/file'), bytes, () => refused(code));
  await expect(writing).rejects.toThrow(DiskFullError);
  await expect(writing).rejects.toThrow(says);
});

test('other errors stay as they are', async () => {
  await expect(namingFullDisk('file', 1, () => refused('EIO'))).rejects.toThrow(/^EIO: write$/);
});
