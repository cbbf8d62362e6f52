import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { rowManifest } from '../../../trainer/contract/settings/row-origin.ts';
import { faultOfOrigin } from '../../../trainer/data/origins/row-origin.ts';
import { readRows } from '../../../trainer/data/rows.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import { pin, readResult, runStage, runToResult, writeStage } from '../../support/trainer.ts';
import { examineOne } from '../../support/examine.ts';

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
    const again = await examineOne({ ...row, id: row.origin?.prompt ?? '' }, sampled);
    expect(again).toMatchObject({ text: row.completion, passes: { oneLanguage: true } });
  }
});

const question = (apples: number) => ({
  prompt: `Tom has ${apples} apples and buys two more at the market; how many are there now?`,
  answer: apples + 2,
});
const other = { prompt: 'Say a number.', answer: 1 };

async function writeJsonl(name: string, rows: readonly object[]): Promise<string> {
  await writeFile(join(root(), name), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  return join(root(), name);
}

test('prompts that share ten words with a question that models are measured on are dropped, counted and told', async () => {
  const file = await writeJsonl('train.jsonl', [question(1), question(2), other]);
  const input = await pin(root(), 'base');
  const keptWith = async (exam: readonly object[]) => {
    const heldOut = { file: await writeJsonl('exam.jsonl', exam) };
    const more = { perPrompt: 1, keep: [], sampling: { maxNewTokens: 4 } };
    const { metrics } = await runToResult(root(), {
      name: 'clean',
      model: { input },
      inputs: { base: input },
      datasets: [
        { name: 'train', file },
        { name: 'exam', file, heldOut },
      ],
      settings: { sample: { prompts: ['train'], decontaminate: ['exam'], ...more } },
    });
    return { metrics, ...(await keptBy('clean')) };
  };
  const { rows, metrics, manifest } = await keptWith([question(7)]);
  expect(rows.map(({ messages }) => messages[0]?.content)).toEqual([other.prompt]);
  expect(metrics).toMatchObject({ 'data/rows': 3, 'data/used': 1, 'data/dropped_contaminated': 2 });
  const against = { exam: expect.stringMatching(/^[0-9a-f]{64}$/) };
  expect(manifest.filters).toEqual([{ name: 'decontaminated', version: 2, settings: { words: 10, against } }]);
  expect(faultOfOrigin(rows[0] as Row, manifest)).toBeUndefined();

  // What was kept in view of one exam is not what another one would leave, though nothing of either is learned.
  const anew = await keptWith([{ prompt: 'Name a city.', answer: 0 }]);
  expect(anew.rows).toHaveLength(3);
  expect(anew.manifest.filters).not.toEqual(manifest.filters);

  // A prompt may be how a question is solved.
  const solved = await keptWith([{ prompt: 'How many?', answer: 0, solution: `It is so: ${question(2).prompt}` }]);
  expect(solved.metrics).toMatchObject({ 'data/used': 1, 'data/dropped_contaminated': 2 });
});

test('given completions pass the filters beside sampled ones, to the row of a quota, also after a kill', async () => {
  const greetings = Array.from({ length: 90 }, (_, at) => ({
    prompt: `Hello, I am number ${at}!`,
    completion: `Hello ${at}!`,
  }));
  const chat = await writeJsonl('chat.jsonl', [...greetings, { prompt: 'Hi', completion: 'Hi! ```' }]);
  const asked = await writeJsonl(
    'asked.jsonl',
    Array.from({ length: 150 }, (_, at) => question(at + 1)),
  );
  const input = await pin(root(), 'base');
  const stage = (name: string) => ({
    name,
    stage: 'both',
    model: { input },
    inputs: { base: input },
    datasets: [
      { name: 'asked', file: asked },
      { name: 'chat', file: chat, domain: 'general' },
    ],
    settings: {
      sample: {
        prompts: ['asked', 'chat'],
        given: ['chat'],
        thoughts: {},
        keep: [],
        perPrompt: 2,
        keepPerPrompt: 2,
        quotas: { reasoning: 141, general: 51 },
        sampling: { maxNewTokens: 4 },
      },
    },
  });
  const { metrics } = await runToResult(root(), stage('both'));
  const { rows, manifest } = await keptBy('both');
  const general = rows.filter(({ domain }) => domain === 'general');
  expect([rows.length - general.length, general.length]).toEqual([141, 51]);
  expect(general.map(({ completion }) => completion)).toEqual(
    greetings.slice(0, 51).map(({ completion }) => completion),
  );
  expect(general[0]?.origin).toMatchObject({ method: 'given', samples: [0] });
  expect(rows.map((row) => faultOfOrigin(row, manifest)).filter(Boolean)).toEqual([]);
  expect(metrics).toMatchObject({
    'reflection_rate/given': 0,
    kept: 192,
    'kept/reasoning': 141,
    'kept/general': 51,
  });

  const path = await writeStage(root(), stage('killed'));
  const killed = await runStage(path, { file: join(root(), 'killed/chunks-*/000000.json') });
  expect(killed.signal).toBe('SIGKILL');
  expect((await runStage(path)).code).toBe(0);
  const digest = async (name: string) => (await readResult(root(), name)).checkpoint?.digest;
  expect(await digest('killed')).toBe(await digest('both'));
});

test('a row without the completion that it is said to have is a fault', async () => {
  const chat = await writeJsonl('empty.jsonl', [{ prompt: 'Hi', completion: 'Hi!' }, other]);
  const input = await pin(root(), 'base');
  const stage = {
    name: 'faulty',
    model: { input },
    inputs: { base: input },
    datasets: [{ name: 'chat', file: chat, domain: 'general' }],
    settings: { sample: { prompts: ['chat'], given: ['chat'] } },
  };
  const { code, stderr } = await runStage(await writeStage(root(), stage));
  expect(code).toBe(64);
  expect(stderr).toContain('row chat/2: it has no completion; sample.given says that its data set has them');
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
