import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { type Mutant, mutants } from './cuda-mutants.ts';

const directory = useTemporaryDirectory();

/** Each is a build of several seconds. */
const long = process.env['R1_LONG_TESTS'] === '1' ? test : test.skip;

long.each(mutants)('the tests of the kernels for CUDA find $error ($header)', async (mutant) => {
  const tree = join(directory(), 'native');
  await mkdir(tree);
  await cp('native/cuda', join(tree, 'cuda'), { recursive: true });
  await symlink(resolve('native/kernels'), join(tree, 'kernels'));
  const header = join(tree, 'cuda/kernels', mutant.header);
  const source = await readFile(header, 'utf8');
  expect(source.split(mutant.from)).toHaveLength(2);
  await writeFile(header, source.replace(mutant.from, mutant.to));

  const program = ofLibraries.includes(mutant.family) ? 'test-by-library' : 'test-cuda';
  const make = ['-s', '-C', 'native/cuda', 'mutant', `TREE=${tree}`, `PROGRAM=${program}`, `UNIT=${unitOf(mutant)}`];
  expect(spawnSync('make', make, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  // What fails has another status; what a signal or the time limit has ended has none.
  const { status } = spawnSync(join(tree, program), ['--brief', mutant.family], { timeout: 120_000 });
  expect(status).not.toBe(0);
});

/** Families in which libraries compute. */
const ofLibraries = ['by-library', 'sequence-attention'];

/** The source that has the kernels of a family, directly or by kernels.h. */
function unitOf({ family }: Mutant): string {
  if (family === 'linear') return 'linear.cc';
  if (family === 'by-library') return 'linear-by-library.cc';
  if (family === 'sequence-attention') return 'sequence-attention.cc';
  return ['elementwise', 'attention', 'sums'].includes(family) ? 'kernels.cc' : `test/${family}.cc`;
}
