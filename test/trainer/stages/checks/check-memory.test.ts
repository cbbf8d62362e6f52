import { expect, test } from '@jest/globals';
import type { FileCheck } from '../../../../trainer/contract/settings/file-check.ts';
import { modelInit } from '../../../../trainer/contract/settings/model.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { memoryProblem } from '../../../../trainer/stages/checks/check-memory.ts';

const shape = { architecture: 'qwen3', layers: 2, heads: 2, kvHeads: 1, maxLength: 128 };
const use = (stage: string, hiddenSize: number, settings: object): FileCheck['uses'][number] => ({
  path: ['spec', 'stages', stage],
  stage,
  settings: stageSettings.parse(settings),
  init: modelInit.parse({ ...shape, hiddenSize }),
  workers: 1,
});
const judge = use('judge', 4096, { rewardModel: { pairs: ['pairs'] } });
const grpo = (rewards: object[]) => use('rl', 64, { grpo: { prompts: ['sums'], steps: 1, rewards } });

test.each([
  { name: 'a small model is no problem', stage: grpo([{ format: {} }]), problem: undefined },
  {
    name: 'a large reward model that it opens is one',
    stage: grpo([{ rewardModel: { from: 'judge' } }]),
    problem: /GB the reward model judge/,
  },
  {
    name: 'so it is where rows are sampled',
    stage: use('rows', 64, { sample: { prompts: ['sums'], rank: ['rewardModel'], rewardModel: 'judge' } }),
    problem: /GB the reward model judge/,
  },
  {
    name: 'so it is where it judges pairs',
    stage: use('rows', 64, { sample: { prompts: ['sums'], pairs: { judge: { from: 'judge' } } } }),
    problem: /GB the reward model judge/,
  },
  { name: 'one that is not there yet is told elsewhere', stage: grpo([{ rewardModel: { from: 'other' } }]) },
])('before the first stage, $name', async ({ stage, problem }) => {
  const found = await memoryProblem(stage, [judge, stage], 2e9);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});
