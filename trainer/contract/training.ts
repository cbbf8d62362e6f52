import { z } from 'zod';
import { count, fraction, name, names, object, positiveInt } from './schema.ts';

export const learningRate = z.number().min(0).max(1);

export const schedule = object({
  kind: z
    .enum(['constant', 'linear', 'cosine'])
    .default('constant')
    .describe('Shape of the learning rate after warm-up.'),
  warmupSteps: count.default(0).describe('Steps of linear warm-up from zero.'),
  final: fraction.default(0.1).describe('Learning rate at the last step, as a share of the peak.'),
});
export type Schedule = z.infer<typeof schedule>;

export const optimizer = object({
  betas: z
    .array(z.number().min(0).max(0.999999))
    .length(2)
    .default([0.9, 0.95])
    .describe('AdamW decay rates of the first and second moment.'),
  epsilon: z.number().min(1e-12).default(1e-8).describe('AdamW epsilon.'),
  weightDecay: z.number().min(0).default(0).describe('Decoupled weight decay on matrices; norms and biases have none.'),
  maxGradNorm: z
    .number()
    .min(0)
    .default(1)
    .describe('Gradients are scaled down to this global L2 norm; 0 turns clipping off.'),
});
export type OptimizerSettings = z.infer<typeof optimizer>;

export const sampling = object({
  temperature: z.number().min(0).max(10).default(1).describe('Softmax temperature; 0 is greedy.'),
  topP: z.number().min(0).max(1).default(1).describe('Nucleus: smallest set of tokens with this probability.'),
  topK: count.default(0).describe('Only the k most likely tokens; 0 is all.'),
  maxNewTokens: positiveInt.default(512).describe('Longest completion, in tokens.'),
});
export type SamplingSettings = z.infer<typeof sampling>;

const onOverlong = (what: string) =>
  z
    .enum(['drop', 'refuse'])
    .default('drop')
    .describe(`What happens with ${what}: they are left out and counted, or the stage ends before its first step.`);

/** Settings of every stage that samples. */
export const promptShape = {
  maxPromptTokens: positiveInt
    .default(512)
    .describe('Longest prompt, in tokens, as the chat template renders it; with maxNewTokens it bounds the memory.'),
  overlong: onOverlong('longer prompts, and with those that leave no room for an answer in the context of the model'),
};

/** Settings of every stage that learns from whole rows. */
export const rowShape = {
  maxLength: positiveInt
    .default(1024)
    .describe(
      'Longest row, in tokens, prompt and completion. Attention takes memory by the square of the longest row of a step.',
    ),
  overlong: onOverlong('longer rows'),
};

export const evaluation = object({
  data: names.describe('Datasets whose held-out rows are used (all rows of a dataset without held-out rows).'),
  limit: positiveInt.default(200).describe('At most this many rows of each dataset.'),
  samples: positiveInt.default(1).describe('Completions per prompt (k of pass@k and cons@k).'),
  sampling: sampling.prefault({}).describe('How evaluation samples.'),
  ...promptShape,
  every: count.default(0).describe('Evaluate every this many steps as well; 0 is only at the end.'),
});
export type EvaluationSettings = z.infer<typeof evaluation>;

/** Names of evaluated datasets whose rows were learned from. */
export const trainedOn = z.array(name).max(16).optional();

/** Settings that every stage that updates weights has. */
export const trainingShape = {
  learningRate: learningRate.describe('Peak learning rate of AdamW.'),
  schedule: schedule.prefault({}).describe('Learning-rate schedule.'),
  optimizer: optimizer.prefault({}).describe('AdamW and clipping.'),
  checkpointEvery: positiveInt.default(100).describe('Save a checkpoint every this many steps.'),
};
