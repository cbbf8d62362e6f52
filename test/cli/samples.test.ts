import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

test('r1 samples writes the completions of a directory of a stage into a Parquet file', async () => {
  await mkdir(join(directory(), 'zero'));
  const line = { step: 1, from: 'rollout', dataset: 'sums', prompt: 'p', completion: 'c', scores: { accuracy: 1 } };
  await writeFile(join(directory(), 'zero/samples.jsonl'), `${JSON.stringify(line)}\n`);
  const { code, stdout, stderr } = await r1(['samples', 'zero', '-o', 'zero.parquet'], { cwd: directory() });
  expect([code, stdout, stderr]).toEqual([0, 'zero.parquet: 1 completion of step 1\n', '']);
  expect((await readFile(join(directory(), 'zero.parquet'))).toString('latin1', 0, 4)).toBe('PAR1');
});

test.each([
  {
    argument: 'nothing',
    says: 'nothing: found no such directory, expected the directory of a stage, or PIPELINE/STAGE',
  },
  { argument: 'no/stage', says: 'pipeline "no" not found' },
])('r1 samples $argument says in one line what was found', async ({ argument, says }) => {
  const { code, stderr } = await r1(['samples', argument, '-o', 'x.parquet'], { cwd: directory() });
  expect(code).toBe(64);
  expect(stderr).toContain(`r1: ${says}`);
});
