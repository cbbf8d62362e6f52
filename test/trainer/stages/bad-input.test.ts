import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useBaseStage } from '../../support/base-stage.ts';
import { pin, readResult, runStage, writeStage } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 1, batch: 4 });

const grpo = { prompts: ['sums'], steps: 1, promptsPerStep: 2, group: 2, rewards: [{ accuracy: {} }] };

const badData = [
  { name: 'a missing data file', content: undefined, says: 'data.jsonl: ' },
  { name: 'a broken line', content: '{"prompt": "1+1=", "answer": "2"}\n{"prompt": \n', says: 'data.jsonl:2' },
  {
    name: 'a gold answer that cannot be parsed',
    content: '{"prompt": "1+1=", "answer": "two"}\n',
    says: '"two" cannot be parsed',
  },
  { name: 'a row without prompt', content: '{"answer": "2"}\n', says: 'data.jsonl:1' },
] as const;

test.each(badData)(
  '$name ends with the exit code of a user error, one line, and nothing published',
  async ({ content, says }) => {
    const directory = await mkdtemp(join(root(), 'data-'));
    const data = join(directory, 'data.jsonl');
    if (content !== undefined) await writeFile(data, content);
    const file = await writeStage(directory, {
      name: 'stage',
      model: { input: await pin(root(), 'base') },
      settings: { grpo },
      datasets: [{ name: 'sums', file: data, answer: { kind: 'number', in: 'completion' } }],
    });
    await expectRefused(file, join(directory, 'stage'), says);
  },
);

test.each([
  { name: 'grpo', settings: { grpo } },
  { name: 'sample', settings: { sample: { prompts: ['sums'], perPrompt: 1 } } },
  { name: 'evaluate', settings: { evaluate: { data: ['sums'] } } },
  { name: 'training', settings: { grpo: { ...grpo, prompts: ['graded'] } }, evaluation: { data: ['sums'] } },
])('prompts of which none can be graded end a $name stage before its work', async ({ settings, evaluation }) => {
  const directory = await mkdtemp(join(root(), 'ungraded-'));
  const data = join(directory, 'data.jsonl');
  await writeFile(data, '{"prompt": "1+1=", "solution": "2"}\n{"prompt": "2+1=", "solution": "3"}\n');
  const file = await writeStage(directory, {
    name: 'stage',
    model: { input: await pin(root(), 'base') },
    settings,
    ...(evaluation && { evaluation }),
    datasets: [
      { name: 'sums', file: data },
      { name: 'graded', generator: { task: 'addition', rows: 16 } },
    ],
  });
  const says =
    'no row of dataset sums has an answer that could be graded; found fields prompt, solution. ' +
    'columns: {answer: solution} reads solution as answer';
  await expectRefused(file, join(directory, 'stage'), says);
  await expectRefused(file, join(directory, 'stage'), says); // what the first attempt found in the rows is no excuse
});

const badModels = [
  {
    name: 'truncated safetensors',
    damage: (model: string) => truncate(join(model, 'model.safetensors'), 5000),
    says: 'model.safetensors',
  },
  {
    name: 'a header longer than the file',
    damage: (model: string) => writeFile(join(model, 'model.safetensors'), Buffer.from('ffffffffffffff7f7b7d', 'hex')),
    says: 'model.safetensors',
  },
  {
    name: 'a missing tokenizer',
    damage: (model: string) => rm(join(model, 'tokenizer.json')),
    says: 'tokenizer.json',
  },
  {
    name: 'a vocabulary larger than the embedding',
    damage: (model: string) => changeConfig(model, { vocab_size: 100 }),
    says: '100',
  },
  {
    name: 'weights of another shape than the config',
    damage: (model: string) => changeConfig(model, { intermediate_size: 64 }),
    says: 'gate_proj',
  },
  {
    name: 'a config that is no model',
    damage: (model: string) => writeFile(join(model, 'config.json'), '{"model_type": "bert"}'),
    says: 'bert',
  },
] as const;

test.each(badModels)('$name ends with the exit code of a user error and one line', async ({ damage, says }) => {
  const directory = await mkdtemp(join(root(), 'model-'));
  const model = join(directory, 'model');
  await cp((await pin(root(), 'base')).path, model, { recursive: true });
  await damage(model);
  const file = await writeStage(directory, { name: 'stage', model: { path: model }, settings: { grpo } });
  await expectRefused(file, join(directory, 'stage'), says);
});

test('an input that is not what the operator pinned is refused', async () => {
  const directory = await mkdtemp(join(root(), 'pin-'));
  const input = { ...(await pin(root(), 'base')), digest: '0'.repeat(64) };
  const file = await writeStage(directory, { name: 'stage', model: { input }, settings: { grpo } });
  await expectRefused(file, join(directory, 'stage'), 'is pinned');
});

test('a stage file with an unknown field is refused with its path', async () => {
  const file = join(root(), 'unknown.json');
  await writeFile(file, JSON.stringify({ settings: { grpo: { ...grpo, temprature: 1 } } }));
  const { code, stderr } = await runStage(file);
  expect(code).toBe(64);
  expect(stderr).toContain('temprature');
});

async function expectRefused(file: string, out: string, says: string): Promise<void> {
  const { code, stderr } = await runStage(file);
  expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(says)]);
  expect(code).toBe(64);
  expect(await readResult(out, '')).toMatchObject({ outcome: 'failed', reason: 'userError' });
  const published = (await readdir(out)).filter((name) => name.startsWith('step-') || name === 'data');
  expect(published).toEqual([]);
}

async function changeConfig(model: string, change: object): Promise<void> {
  const path = join(model, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...config, ...change }));
}
