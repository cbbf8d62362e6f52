import type { Lookups } from './lookups.ts';

/** For `lookupStages`. */
export function lookupDatasets({ seen, asked }: Lookups): object[] {
  return [
    { name: 'lookups-seen', file: seen },
    { name: 'lookups', file: asked, answer: { kind: 'pattern', in: 'completion' } },
  ];
}

const evaluation = { data: ['lookups'], limit: 60, sampling: { maxNewTokens: 240 } };

const grpo = {
  prompts: ['lookups'],
  steps: 60,
  promptsPerStep: 16,
  group: 16,
  learningRate: 2e-4,
  scaleRewards: 'none', // as Dr. GRPO has it, so that the divisor alone differs
  sampling: { maxNewTokens: 240 },
};
const accuracy = [{ accuracy: {} }];
const model = { from: 'lookups-base' };

/**
 * A base model of lookups, and RL from it that differs in what the loss of a token is divided by: the length of its completion, or a constant as in Dr. GRPO. And
 * the first of them with a random reward.
 */
export const lookupStages = [
  {
    name: 'lookups-base',
    model: { init: { architecture: 'qwen3', hiddenSize: 64, layers: 2, heads: 2, kvHeads: 1, maxLength: 256 } },
    pretrain: {
      data: ['lookups-seen'],
      steps: 3000,
      batch: 32,
      learningRate: 3e-3,
      schedule: { kind: 'cosine', warmupSteps: 20 },
    },
    evaluation,
  },
  { name: 'per-completion', model, grpo: { ...grpo, loss: 'grpo', rewards: accuracy }, evaluation },
  { name: 'constant-divisor', model, grpo: { ...grpo, loss: 'dr_grpo', rewards: accuracy }, evaluation },
  { name: 'by-chance', model, grpo: { ...grpo, loss: 'grpo', rewards: [{ random: {} }] }, evaluation },
];
