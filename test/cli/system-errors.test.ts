import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
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

const procfs = existsSync('/proc/self') ? ['/proc', '/proc/none/below'] : [];

describe.each([
  {
    place: '',
    says: /^error: option '--state <dir>' argument '' is invalid. expected a directory, found an empty text\./,
  },
  { place: 'tiny.yaml', says: /^r1: .*tiny\.yaml.*: found (ENOTDIR|EEXIST): [^;]*; expected a directory/ },
  { place: 'tiny.yaml/below', says: /^r1: .*tiny\.yaml.*: found ENOTDIR: [^;]*; expected a directory/ },
  { place: 'loop', says: /^r1: .*loop.*: found ELOOP: [^;]*; expected a directory/ },
  { place: 'loop/below', says: /^r1: .*loop.*: found ELOOP: [^;]*; expected a directory/ },
  { place: 'x'.repeat(300), says: /^r1: .*xxx.*: found ENAMETOOLONG: [^;]*; expected a directory/ },
])('the state cannot be in $place', ({ place, says }) => {
  beforeAll(() => symlink('loop', join(directory(), 'loop')).catch(() => undefined));

  test.each([['run', 'tiny.yaml'], ['get'], ['logs', 'tiny', 'zero'], ['approve', 'tiny', 'zero'], ['report', 'tiny']])(
    '%s says so in one line',
    async (...command) => {
      const before = await readdir(directory());
      const { code, stdout, stderr } = await r1([...command, '--state', place], { cwd: directory() });
      expect([code, stdout]).toEqual([64, '']);
      expect(stderr).toMatch(says);
      if (place !== '') expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(await readdir(directory())).toEqual(before);
    },
  );
});

test.each(['dangling', 'dangling/below', ...procfs])(
  'r1 run ends at once where no directory can be made: %s',
  async (place) => {
    await symlink('/nonexistent/place', join(directory(), 'dangling')).catch(() => undefined);
    const { code, stderr } = await r1(['run', 'tiny.yaml', '--state', place], { cwd: directory() });
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/^r1: .*: found E[A-Z]+: [^;]*; expected a directory .*\n$/),
    ]);
  },
);
