import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import { resultMetrics } from '../../../trainer/contract/settings/result-metrics.ts';
import { stageSettings } from '../../../trainer/contract/settings/settings.ts';
import type { PinnedInput } from '../../../trainer/contract/settings/stage-file.ts';
import { InputModels } from '../../../trainer/stages/policy/input-models.ts';
import type { Workspace } from '../../../trainer/stages/workspace/workspace.ts';
import { readAll } from '../../support/safetensors.ts';
import { pin, readResult, runStage, runToResult, type StageToRun, writeStage } from '../../support/trainer.ts';

// Reward models of transformers and what it scores with them; made by test/fixtures/reward-models/make_golden.py.
const fixtures = join(import.meta.dirname, '../../fixtures');

interface Golden {
  readonly conversations: readonly Row['messages'][];
  readonly scores: Readonly<Record<string, readonly number[]>>;
}

/** Both sides round to float32 in another order. */
const tolerance = 1e-4;

let root: string;
let golden: Golden;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-foreign-reward-model-'));
  golden = JSON.parse(await readFile(join(fixtures, 'reward-models/golden.json'), 'utf8')) as Golden;
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A directory as the Hub has it. */
async function modelDirectory(name: string, change: (config: Record<string, unknown>) => object = (same) => same) {
  const directory = await mkdtemp(join(root, `${name}-`));
  await cp(join(fixtures, 'reward-models', name), directory, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    // oxlint-disable-next-line no-await-in-loop -- two small files
    await cp(join(fixtures, 'trained', file), join(directory, file));
  }
  await cp(join(fixtures, 'reward-models/chat_template.jinja'), join(directory, 'chat_template.jinja'));
  const path = join(directory, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(change(config)));
  return directory;
}

function asItIs(name: string, path: string, more: object = {}): StageToRun {
  return { name, model: { path }, settings: { rewardModel: { epochs: 0, ...more } } };
}

async function modelsOf(...names: readonly string[]): Promise<InputModels> {
  const pinned = await Promise.all(names.map(async (name) => [name, await pin(root, name)] as const));
  return new InputModels({
    file: { stage: 'aligned', inputs: Object.fromEntries(pinned), workers: 2 },
    inputs: { verified: async ({ path }: PinnedInput) => path },
    progress: { alive: () => undefined },
    stop: { signal: undefined },
  } as unknown as Workspace);
}

test.each(['qwen2', 'llama', 'qwen3'])(
  'a %s reward model of transformers is taken as it is, and gives its scores',
  async (name) => {
    const { checkpoint } = await runToResult(root, asItIs(name, await modelDirectory(name)));
    expect(checkpoint?.step).toBe(0);
    const models = await modelsOf(name);
    try {
      const responses = golden.conversations.map((messages, at) => ({
        row: { id: String(at), dataset: 'd', domain: 'general', messages: messages.slice(0, -1) } as Row,
        text: `<think>unseen</think>${messages.at(-1)?.content}`,
      }));
      const scores = await models.score({ from: name }, responses);
      const differences = golden.scores[name]!.map((score, at) => Math.abs(score - scores[at]!));
      expect(Math.max(...differences)).toBeLessThan(tolerance);
    } finally {
      await models.close();
    }
  },
);

test('a finished stage is not done again', async () => {
  const first = await readResult(root, 'qwen2');
  expect(await runStage(join(root, 'qwen2.json'))).toMatchObject({ code: 0 });
  expect((await readResult(root, 'qwen2')).checkpoint).toEqual(first.checkpoint);
});

test('the directory that it publishes is one that transformers reads', async () => {
  const { path } = await pin(root, 'llama');
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as object;
  expect(config).toMatchObject({ architectures: ['LlamaForSequenceClassification'], num_labels: 1, pad_token_id: 256 });
  const [ours, theirs] = await Promise.all(
    [join(path, 'model.safetensors'), join(fixtures, 'reward-models/llama/model.safetensors')].map(readAll),
  );
  expect([...ours!.keys()].toSorted()).toEqual([...theirs!.keys()].toSorted());
  expect(ours!.get('score.weight')).toEqual(theirs!.get('score.weight'));
});

test('one from elsewhere and one that was trained here are compared on the same held-out pairs', async () => {
  const directory = await modelDirectory('qwen3');
  await runToResult(root, asItIs('elsewhere', directory, { pairs: ['preferences'] }));
  const stage = {
    name: 'own',
    inputs: { elsewhere: await pin(root, 'elsewhere') },
    settings: {
      rewardModel: { pairs: ['preferences'], epochs: 10, batch: 20, learningRate: 3e-3, compareWith: 'elsewhere' },
    },
  };
  const { metrics } = await runToResult(root, stage);
  expect(metrics['compared/pair_accuracy']).toBe((await readResult(root, 'elsewhere')).metrics['eval/pair_accuracy']);
  expect(metrics['eval/pair_accuracy']).toBeGreaterThan(metrics['compared/pair_accuracy']!);
  expect(metrics['compared/agreement']).toBeLessThan(1);
  expect(metrics['compared/spearman']).toBeLessThan(0.9);
  const names = resultMetrics(stageSettings.parse(stage.settings), undefined);
  expect(Object.keys(metrics).filter((each) => !names.includes(each))).toEqual([]);
}, 30_000);

test('a reward model agrees with itself on everything', async () => {
  const directory = await modelDirectory('qwen3');
  await runToResult(root, asItIs('itself', directory));
  const stage = asItIs('again', directory, { pairs: ['preferences'], compareWith: 'itself' });
  const { metrics } = await runToResult(root, { ...stage, inputs: { itself: await pin(root, 'itself') } });
  expect(metrics).toMatchObject({ 'compared/agreement': 1, 'compared/spearman': expect.closeTo(1, 9) });
});

test.each([
  {
    name: 'two labels',
    change: (config: object) => ({ ...config, num_labels: 2 }),
    says: 'config.json: num_labels: found 2, expected 1: a reward model has one score',
  },
  {
    name: 'another class',
    change: (config: object) => ({ ...config, architectures: ['Qwen2ForRewardModel'] }),
    says: 'architectures: found "Qwen2ForRewardModel", expected a class that ends with ForSequenceClassification',
  },
])('a model of $name is refused by name', async ({ name, change, says }) => {
  const stage = asItIs(name.replaceAll(' ', '-'), await modelDirectory('qwen2', change));
  const { code, stderr } = await runStage(await writeStage(root, stage));
  expect({ code, stderr }).toEqual({ code: exitCodes.userError, stderr: expect.stringContaining(says) });
});

test('a language model has no score to be taken as it is', async () => {
  const directory = join(root, 'language-model');
  await mkdir(directory);
  await cp(join(fixtures, 'trained'), directory, { recursive: true });
  const { code, stderr } = await runStage(await writeStage(root, asItIs('language', directory)));
  expect({ code, stderr }).toEqual({
    code: exitCodes.userError,
    stderr: expect.stringContaining('expected a class that ends with ForSequenceClassification'),
  });
});
