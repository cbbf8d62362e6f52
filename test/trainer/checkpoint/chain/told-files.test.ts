import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { toldFiles, withFilesAt } from '../../../../trainer/checkpoint/chain/told-files.ts';
import { provenance } from '../../../../trainer/contract/files/provenance.ts';
import { stageFile } from '../../../../trainer/contract/settings/stage-file.ts';
import { decidingSettings } from '../../../../trainer/stages/workspace/settings-digest.ts';
import { useSharedDirectory } from '../../../support/shared-directory.ts';

const root = useSharedDirectory();

test.each([
  {
    name: 'data of a supervised stage, and not the held-out rows that it is measured on',
    settings: { sft: { data: ['sums'], epochs: 1 } },
    files: ['sums.jsonl'],
  },
  {
    name: 'a file that compares answers',
    settings: { sft: { data: ['own'], epochs: 1 } },
    files: ['own.jsonl', 'verifier.ts'],
  },
  {
    name: 'rewards of ones own, of which one is named twice',
    settings: {
      grpo: {
        prompts: ['sums'],
        steps: 2,
        promptsPerStep: 1,
        rewards: [
          { format: {} },
          { python: { file: 'FILES/reward.py' } },
          { module: { file: 'FILES/reward.ts' } },
          { python: { file: 'FILES/reward.py', function: 'other' } },
        ],
      },
    },
    files: ['reward.py', 'reward.ts', 'sums.jsonl'],
  },
  {
    name: 'held-out rows with which a sample stage shares nothing',
    settings: { sample: { prompts: ['own'], decontaminate: ['sums'] } },
    files: ['held-out.jsonl', 'own.jsonl', 'sums.jsonl', 'verifier.ts'],
  },
  {
    name: 'what a guard measures',
    settings: {
      grpo: {
        prompts: ['own'],
        steps: 2,
        promptsPerStep: 1,
        rewards: [{ accuracy: {} }],
        guard: { data: ['sums'], every: 1 },
      },
    },
    files: ['held-out.jsonl', 'own.jsonl', 'sums.jsonl', 'verifier.ts'],
  },
])('files that decide a stage may lie elsewhere: $name', async ({ name, settings, files }) => {
  const directory = join(root(), name.replaceAll(/\W+/g, '-'));
  const before = join(directory, 'before');
  await mkdir(before, { recursive: true });
  const all = ['sums.jsonl', 'held-out.jsonl', 'own.jsonl', 'verifier.ts', 'reward.py', 'reward.ts', 'measured.jsonl'];
  for (const each of all) await writeFile(join(before, each), each);
  const told = stageFile.parse({
    pipeline: 'tiny',
    stage: 'told',
    attempt: 1,
    seed: 7,
    settings: JSON.parse(JSON.stringify(settings).replaceAll('FILES', before)) as object,
    model: { init: {} },
    datasets: [
      { name: 'sums', file: join(before, 'sums.jsonl'), heldOut: { file: join(before, 'held-out.jsonl') } },
      {
        name: 'own',
        file: join(before, 'own.jsonl'),
        answer: { verifier: { module: { file: join(before, 'verifier.ts') } } },
      },
      { name: 'measured', file: join(before, 'measured.jsonl') },
    ],
    inputs: {},
    evaluation: { data: ['measured'] },
    out: join(directory, 'out'),
  });
  const { digest, text } = await decidingSettings(told);
  const decided = provenance.parse(JSON.parse(text));

  expect([...new Set(toldFiles(told, decided).map(({ path }) => basename(path)))].toSorted()).toEqual(files);
  await mkdir(join(directory, 'after'));
  for (const each of files) await rename(join(before, each), join(directory, 'after', each));
  await rm(before, { recursive: true });
  const moved = withFilesAt(told, decided, (path) => join(directory, 'after', basename(path)));
  expect((await decidingSettings(moved)).digest).toBe(digest);
  expect(JSON.stringify(moved)).not.toContain('before');
});
