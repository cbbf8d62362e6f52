import { globSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { partialOf, removeOwnPartials, removePartials } from '../../../trainer/checkpoint/partials.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'r1-partials-'));
  await mkdir(join(directory, 'chunks'));
  for (const name of ['rows.jsonl', 'chunks/1.json']) {
    await writeFile(join(directory, name), '');
    await writeFile(partialOf(join(directory, name)), '');
    await writeFile(join(directory, `${name}.0a1b2c3d.partial`), '');
  }
  await mkdir(partialOf(join(directory, 'step-000001')));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const files = (): string[] =>
  globSync('**', { cwd: directory })
    .filter((name) => /\.json/.test(name))
    .toSorted();

test('what every process was writing goes when a new writer comes', async () => {
  await removePartials(directory);
  expect(files()).toEqual(['chunks/1.json', 'rows.jsonl']);
});

test('a process that has lost its directory removes what itself was writing, and nothing of the one that has it', async () => {
  await removeOwnPartials(directory);
  expect(files()).toEqual([
    'chunks/1.json',
    'chunks/1.json.0a1b2c3d.partial',
    'rows.jsonl',
    'rows.jsonl.0a1b2c3d.partial',
  ]);
});
