import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { resultMetrics } from '../../../trainer/contract/settings/result-metrics.ts';
import type { StageFile } from '../../../trainer/contract/settings/stage-file.ts';
import { pin, readResult, runToResult } from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-result-metrics-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const evaluation = { data: ['sums'], limit: 4, samples: 2, sampling: { maxNewTokens: 8 } };

// In this order: later stages start from what earlier ones made.
test.each<{ name: string; settings: object; evaluation?: object; from?: string; needed: string[] }>([
  {
    name: 'base',
    settings: { pretrain: { data: ['mixture'], steps: 2, batch: 8 } },
    evaluation,
    needed: ['loss', 'eval/pass@1', 'eval/pass@2', 'eval/cons@2', 'eval/sums/pass@1', 'eval/mean_length'],
  },
  {
    name: 'zero',
    from: 'base',
    settings: {
      grpo: {
        prompts: ['sums'],
        steps: 2,
        promptsPerStep: 2,
        stepsPerRollout: 2,
        group: 2,
        clip: { dual: 3 },
        sampling: { maxNewTokens: 8 },
        rewards: [{ accuracy: {} }, { random: {} }, { random: {} }],
      },
    },
    evaluation,
    needed: [
      'reward',
      'rewards/random-2/mean',
      'kl',
      'clip_ratio/dual_mean',
      'completions/clipped_ratio',
      'eval/pass@2',
    ],
  },
  {
    name: 'samples',
    from: 'zero',
    settings: { sample: { prompts: ['sums'], limit: 4, perPrompt: 2, keep: [] } },
    needed: ['kept'],
  },
  {
    name: 'scores',
    from: 'base',
    settings: { rewardModel: { pairs: ['preferences'], batch: 8 } },
    needed: ['accuracy', 'margin', 'eval/pair_accuracy'],
  },
  { name: 'measured', from: 'base', settings: { evaluate: evaluation }, needed: ['eval/pass@1', 'eval/cons@2'] },
])(
  'every figure of $name is one that a gate may name',
  async ({ name, settings, evaluation: evaluated, from, needed }) => {
    const model = from === undefined ? {} : { model: { input: await pin(root, from) } };
    await runToResult(root, { name, settings, ...model, ...(evaluated && { evaluation: evaluated }) });
    const file = JSON.parse(await readFile(join(root, `${name}.json`), 'utf8')) as StageFile;
    const names = resultMetrics(file.settings, file.evaluation);
    const { metrics } = await readResult(root, name);
    expect(Object.keys(metrics).filter((each) => !names.includes(each))).toEqual([]);
    expect(Object.keys(metrics)).toEqual(expect.arrayContaining(needed));
  },
);
