import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pin, runToResult } from '../../support/trainer.ts';

// A base that has seen half of its documents with the think and answer tags. From one seed everything here is decided
// to the bit on one kind of CPU; the margins are for others. Seen with seeds 3, 4 and 5: the base writes the tags in
// 0.24–0.28 of its completions, GRPO on the format raises that to 0.75–0.81, a random reward leaves 0.06–0.33, and SFT
// gives 0.80–0.84 with tagged rows and 0 with untagged ones.
const mixture = { task: 'mixture', digits: 1 };
const datasets = [
  { name: 'mixture', generator: { ...mixture, rows: 3000, tagged: 0.5 } },
  { name: 'tagged', generator: { ...mixture, rows: 1000, tagged: 1 } },
  { name: 'untagged', generator: { ...mixture, rows: 1000, tagged: 0 } },
  { name: 'sums', generator: { task: 'addition', digits: 1, rows: 60, heldOut: 20 } },
];
const sampling = { maxNewTokens: 40 };
const evaluation = { data: ['sums'], limit: 20, samples: 4, sampling };

let root: string;
let baseRate: number;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-learning-'));
  const init = { architecture: 'qwen3', hiddenSize: 64, layers: 2, heads: 2, kvHeads: 1, maxLength: 128 };
  const schedule = { kind: 'cosine', warmupSteps: 10 };
  baseRate = await formatRate(
    'base',
    { pretrain: { data: ['mixture'], steps: 110, batch: 24, learningRate: 5e-3, schedule } },
    { init },
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Trains a stage and gives the share of its completions on held-out prompts that have the tags. */
async function formatRate(name: string, settings: object, model: object, precision = 'f32'): Promise<number> {
  const { metrics } = await runToResult(root, { name, settings, model, datasets, evaluation, precision });
  return metrics['eval/format_rate'] ?? NaN;
}

test('GRPO with the format reward teaches the format', async () => {
  expect(await formatRate('grpo-format', grpo({ format: {} }), await base())).toBeGreaterThan(baseRate + 0.3);
});

test('GRPO with a random reward does not', async () => {
  expect(await formatRate('grpo-random', grpo({ random: {} }), await base())).toBeLessThan(baseRate + 0.1);
});

test.each([
  { name: 'teaches the format', reward: { format: {} }, changes: {}, least: 0.3, most: 1 },
  { name: 'does not with a random reward', reward: { random: {} }, changes: {}, least: -1, most: 0.1 },
  { name: 'does not at a rate of 0', reward: { format: {} }, changes: { learningRate: 0 }, least: -0.1, most: 0.1 },
])('GRPO in bf16 $name', async ({ name, reward, changes, least, most }) => {
  const { grpo: settings } = grpo(reward);
  const stage = `bf16-${name.replaceAll(/\W/g, '-')}`;
  const gained = (await formatRate(stage, { grpo: { ...settings, ...changes } }, await base(), 'bf16')) - baseRate;
  expect(gained).toBeGreaterThan(least);
  expect(gained).toBeLessThan(most);
});

test('SFT in bf16 teaches the format of its rows', async () => {
  expect(await formatRate('sft-bf16', sft('tagged'), await base(), 'bf16')).toBeGreaterThan(baseRate + 0.3);
});

test('SFT teaches the format of its rows', async () => {
  expect(await formatRate('sft-tagged', sft('tagged'), await base())).toBeGreaterThan(baseRate + 0.3);
});

test('SFT on rows without the format takes it away', async () => {
  expect(await formatRate('sft-untagged', sft('untagged'), await base())).toBeLessThan(baseRate - 0.1);
});

function grpo(reward: object) {
  const shape = { steps: 20, promptsPerStep: 8, group: 8, learningRate: 3e-4 };
  return { grpo: { prompts: ['sums'], ...shape, sampling, rewards: [reward] } };
}

function sft(data: string): object {
  return { sft: { data: [data], epochs: 1, batch: 32, learningRate: 1e-3 } };
}

async function base(): Promise<object> {
  return { input: await pin(root, 'base') };
}
