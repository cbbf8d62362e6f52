import { expect, test } from '@jest/globals';
import { grpo } from '../../../trainer/contract/settings/settings.ts';
import { settingsRows } from '../../../trainer/report/settings-rows.ts';

const rewards = [{ accuracy: {} }, { length: { max: 20, soft: 5, weight: 1 } }];
const rows = settingsRows(
  grpo,
  grpo.parse({ prompts: ['sums'], steps: 3, kl: { coefficient: 0.1 }, group: 16, rewards }),
);

test('tells what a manifest must have said from what it need not have', () => {
  expect(rows.filter(({ isDefault }) => !isDefault)).toEqual([
    { path: 'prompts', value: ['sums'], isDefault: false },
    { path: 'steps', value: 3, isDefault: false },
    { path: 'kl.coefficient', value: 0.1, isDefault: false },
    { path: 'rewards[1].length.max', value: 20, isDefault: false },
    { path: 'rewards[1].length.soft', value: 5, isDefault: false },
  ]);
});

test('the defaults of what is there only because it was asked for are said', () => {
  const asked = settingsRows(grpo, grpo.parse({ prompts: ['sums'], steps: 3, rewards, lora: {} }));
  expect(asked.filter(({ path }) => path.startsWith('lora'))).toEqual([
    { path: 'lora.rank', value: 16, isDefault: false },
    { path: 'lora.alpha', value: 32, isDefault: false },
    { path: 'lora.targets', value: expect.arrayContaining(['q_proj', 'down_proj']), isDefault: false },
  ]);
});

test('a setting that says what the default is counts as left out', () => {
  for (const path of [
    'group',
    'learningRate',
    'optimizer.betas',
    'rewards[1].length.weight',
    'rewards[0].accuracy.weight',
  ]) {
    expect(rows).toContainEqual({ path, value: expect.anything(), isDefault: true });
  }
});
