import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const manifest = `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: tiny}
spec:
  base: {init: {}}
  datasets: [{name: sums, generator: {task: addition}}]
  stages: [{name: pretrained, pretrain: {data: [sums], steps: 1}}]
`;

const directory = useSharedDirectory();
beforeAll(() => writeFile(join(directory(), 'tiny.yaml'), manifest));

/** Mounts a disk of the given size in a namespace that ends with the command; containers often forbid it. */
const onDisk = (path: string, size: string): string[] => {
  const script = 'mount -t tmpfs -o "size=$0" tmpfs "$1" && shift && exec "$@"';
  return ['unshare', '-Urm', 'sh', '-c', script, size, path];
};
const canMount = (() => {
  try {
    const [program = '', ...args] = onDisk('/mnt', '4k');
    execFileSync(program, [...args, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

(canMount ? test : test.skip).each(['4k', '8k', '16k'])('r1 run on a disk of %s says so in one line', async (size) => {
  const disk = join(directory(), 'disk');
  await mkdir(disk, { recursive: true });
  const { code, stderr } = await r1(['run', 'tiny.yaml', '--state', disk], {
    cwd: directory(),
    through: onDisk(disk, size),
  });
  expect(code).toBe(66);
  expect(stderr).toMatch(/^r1: .*disk.*: no space left on the device: \d+ bytes are free\n$/);
});

(existsSync('/dev/full') ? test : test.skip)('a full disk under stdout is said in one line', async () => {
  const { code, stderr } = await r1(['validate', 'tiny.yaml'], {
    cwd: directory(),
    through: ['sh', '-c', 'exec "$@" > /dev/full', 'sh'],
  });
  expect([code, stderr]).toEqual([66, 'r1: ENOSPC: no space left on device, write\n']);
});

test('what the system refuses is said in one line', async () => {
  const { code, stderr } = await r1(['get', '--state', 'tiny.yaml'], { cwd: directory() });
  expect([code, stderr]).toEqual([64, "r1: ENOTDIR: not a directory, scandir 'tiny.yaml'\n"]);
});
