import { expect, test } from '@jest/globals';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { evaluation } from '../../../../trainer/contract/settings/training.ts';
import { largestStep, longestSampled } from '../../../../trainer/stages/checks/largest-sequences.ts';

const lengths = { maxPromptTokens: 100, sampling: { maxNewTokens: 30 } };

test.each([
  {
    name: 'pretrain',
    settings: { data: ['a'], steps: 1, batch: 8, maxLength: 70 },
    step: { sequences: 8, size: { length: 70, predicted: 70 }, rowsPerSequence: 1 },
    sampled: 0,
  },
  {
    name: 'sft',
    settings: { data: ['a'], batch: 8, maxLength: 70 },
    step: { sequences: 8, size: { length: 70, predicted: 70 }, rowsPerSequence: 1 },
    sampled: 0,
  },
  {
    name: 'rewardModel',
    settings: { pairs: ['a'], batch: 8, maxLength: 70 },
    step: { sequences: 8, size: { length: 70, predicted: 0 }, rowsPerSequence: 2 },
    sampled: 0,
  },
  {
    name: 'grpo',
    settings: { prompts: ['a'], steps: 1, rewards: [{ format: {} }], promptsPerStep: 3, group: 4, ...lengths },
    step: { sequences: 12, size: { length: 130, predicted: 30 }, rowsPerSequence: 1 },
    sampled: 130,
  },
  { name: 'sample', settings: { prompts: ['a'], ...lengths }, step: undefined, sampled: 130 },
  { name: 'evaluate', settings: { data: ['a'], ...lengths }, step: undefined, sampled: 130 },
])(
  'the largest sequences of $name are those that its settings allow, or its evaluation',
  ({ name, settings, step, sampled }) => {
    const parsed = stageSettings.parse({ [name]: settings });
    expect(largestStep(parsed)).toEqual(step);
    expect(longestSampled(parsed, undefined)).toBe(sampled);
    const evaluated = evaluation.parse({ data: ['a'], maxPromptTokens: 200, sampling: { maxNewTokens: 50 } });
    expect(longestSampled(parsed, evaluated)).toBe(250);
  },
);
