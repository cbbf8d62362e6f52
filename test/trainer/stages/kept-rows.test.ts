import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/dataset.ts';
import { rowManifest } from '../../../trainer/contract/row-origin.ts';
import { faultOfOrigin } from '../../../trainer/data/row-origin.ts';
import { readRows } from '../../../trainer/data/rows.ts';
import { examine } from '../../../trainer/rewards/examine.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { pin, runToResult } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 60, batch: 32 });

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const keptBy = async (name: string) => {
  const data = join(root(), name, 'data');
  const manifest = rowManifest.parse(JSON.parse(await readFile(join(data, 'manifest.json'), 'utf8')));
  return { data, manifest, rows: [...(await readRows(join(data, 'rows.jsonl')))] };
};

test('every kept row verifies against the manifest beside it, and passes its filters again', async () => {
  const file = join(root(), 'questions.jsonl');
  const lines = Array.from({ length: 9 }, (_, at) => JSON.stringify({ prompt: `1+${at + 1}=`, answer: at + 2 }));
  await writeFile(file, `${lines.join('\n')}\n`);
  const input = await pin(root(), 'base');
  await runToResult(root(), {
    name: 'samples',
    model: { input },
    inputs: { base: input },
    datasets: [{ name: 'questions', file }],
    settings: {
      sample: {
        prompts: ['questions'],
        perPrompt: 8,
        keepPerPrompt: 3,
        keep: ['oneLanguage'],
        methods: [{ method: 'plain' }, { method: 'reflection' }],
        sampling: { maxNewTokens: 24 },
      },
    },
  });
  const { data, manifest, rows } = await keptBy('samples');
  expect(manifest).toMatchObject({
    stage: 'samples',
    model: input.digest,
    datasets: { questions: { sha256: sha256(await readFile(file)) } },
    filters: [{ name: 'oneLanguage', version: 1, settings: { minLanguageConsistency: 0.9 } }],
    files: [{ path: 'rows.jsonl', rows: rows.length, sha256: sha256(await readFile(join(data, 'rows.jsonl'))) }],
  });
  expect(rows.map((row) => faultOfOrigin(row, manifest))).toEqual(rows.map(() => undefined));
  expect(new Set(rows.map(({ origin }) => origin?.method))).toEqual(new Set(['plain', 'reflection']));
  for (const row of rows) {
    const sampled = await sampledOf(row, data);
    const again = await examine({ ...row, id: row.origin?.prompt ?? '' }, sampled, 0.9);
    expect(again).toMatchObject({ text: row.completion, passes: { oneLanguage: true } });
  }
});

/** The very sample that a row says that it is from. */
async function sampledOf({ origin }: Row, data: string) {
  const out = join(data, '..');
  const chunks = (await readdir(out)).find((name) => name.startsWith('chunks-')) as string;
  const asked = JSON.parse(await readFile(join(out, chunks, '000000.json'), 'utf8')) as {
    id: string;
    completions: { text: string; opening: string; tokens: number; terminated: boolean }[];
  }[];
  const completions = asked.find(({ id }) => id === origin?.prompt)?.completions ?? [];
  return completions[origin?.samples[0] ?? -1] as (typeof completions)[number];
}
