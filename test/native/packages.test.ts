import { spawnSync } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { opsManifest, packOps } from '../../native/pack-ops.ts';
import { opsPackage, opsPlatforms } from '../../trainer/runtime/ffi/ops-platform.ts';
import type { RuntimeChoice } from '../../trainer/runtime/open-runtime.ts';
import { askIn, copyTrainer } from '../support/copied-trainer.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { testWithOps } from '../support/with-ops.ts';

const directory = useTemporaryDirectory();
const ours = opsPlatforms.filter(({ os, cpu }) => os === process.platform && cpu === process.arch);

test.each([
  { machine: '--os=linux --cpu=x64 --libc=glibc', installed: ['ops-linux-x64'] },
  { machine: '--os=linux --cpu=arm64 --libc=glibc', installed: ['ops-linux-arm64'] },
  { machine: '--os=linux --cpu=x64 --libc=musl', installed: [] },
  { machine: '--os=darwin --cpu=arm64', installed: ['ops-darwin-arm64'] },
  { machine: '--os=win32 --cpu=x64', installed: [] },
])('of the optional packages npm installs on $machine: $installed', async ({ machine, installed }) => {
  const packages = await Promise.all(
    opsPlatforms.map(async (platform) => {
      const path = join(directory(), opsPackage(platform));
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'package.json'), JSON.stringify(opsManifest(platform, '0.1.0')));
      return [opsPackage(platform), `file:${path}`];
    }),
  );
  const project = join(directory(), 'project');
  await install(project, Object.fromEntries(packages), machine.split(' '));
  expect(await readdir(join(project, 'node_modules/@r1-operator')).catch(() => [])).toEqual(installed);
});

test('the package of a Mac says that nobody has tried it', () => {
  const [mac] = opsPlatforms.filter(({ os }) => os === 'darwin');
  expect(mac && opsManifest(mac, '0.1.0').description).toBe('Kernels of r1-operator for darwin-arm64 (untested).');
});

testWithOps('the kernels of an installed package are used where none are compiled', async () => {
  const project = await projectWithPackage();
  expect(choiceIn(project)).toEqual({ name: 'ops', ops: expect.stringMatching(/^[0-9a-f]{16} \w+$/) });
});

testWithOps('kernels of other sources are refused in words, compiled or installed', async () => {
  const project = await projectWithPackage();
  await cp('native/build', join(project, 'native/build'), { recursive: true });
  await appendFile(join(project, 'native/kernels/kernels.h'), '// another law of bits\n');
  const refused = String.raw`was compiled from other sources \([0-9a-f]{16}\) than are here \([0-9a-f]{16}\)`;
  expect(choiceIn(project)).toEqual({
    name: 'ffi',
    because: expect.stringMatching(new RegExp(`^native/build ${refused}, @r1-operator/ops-[a-z0-9-]+ ${refused}$`)),
  });
});

/** This project as a checkout has it, where nothing is compiled and the package for this platform is installed. */
async function projectWithPackage(): Promise<string> {
  const project = join(directory(), 'project');
  const packages = ours.map((platform) => [opsPackage(platform), `file:${packOps(platform, directory())}`]);
  await install(project, Object.fromEntries(packages));
  await copyTrainer(project);
  return project;
}

async function install(project: string, optionalDependencies: object, flags: readonly string[] = []): Promise<void> {
  await mkdir(project);
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'project', version: '0.1.0', type: 'module', optionalDependencies }),
  );
  const offline = ['--offline', '--install-links', '--no-audit', '--no-fund', '--silent'];
  const { status, stderr } = spawnSync('npm', ['install', ...offline, ...flags], { cwd: project, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** What a process of that project runs programs with. */
function choiceIn(project: string): RuntimeChoice {
  const script = `import { chooseRuntime } from './trainer/runtime/open-runtime.ts';
    console.log(JSON.stringify(chooseRuntime()));`;
  return askIn(project, script) as RuntimeChoice;
}
