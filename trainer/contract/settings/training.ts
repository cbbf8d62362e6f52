import { z } from 'zod';
import { answerKinds, answerPlaces } from './dataset.ts';
import { toolUseShape } from './tool-use.ts';
import { count, fraction, name, names, object, positiveInt, type Rule, withRules } from './schema.ts';

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

/** What may be done with what is too long; the first by default. */
export const overlong = ['drop', 'refuse'] as const;

const onOverlong = (what: string) =>
  z
    .enum(overlong)
    .default(overlong[0])
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

export const evaluationRules: readonly Rule[] = [
  {
    rule: '!has(self.answers) || self.answers.all(a, a.dataset in self.data)',
    message: 'answers: dataset must be one of data',
  },
];

/** Settings of whatever measures a model on held-out rows. */
export const limitOf = positiveInt
  .default(200)
  .describe('At most this many rows of each dataset: a fixed random sample.');
export const samplesOf = positiveInt.default(1).describe('Completions per prompt (k of pass@k and cons@k).');
export const answersOf = z
  .array(
    object({
      dataset: name.describe('One of data.'),
      kind: z.enum(answerKinds).optional().describe("How answers are compared; the dataset's way when absent."),
      in: z.enum(answerPlaces).optional().describe("Where the answer is read; the dataset's place when absent."),
    }),
  )
  .min(1)
  .max(16)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['dataset'] })
  .describe('Where answers are verified in another way than the reward of training does.');

export const evaluation = withRules(
  object({
    data: names.describe(
      'Datasets whose held-out rows are used; all rows of one that no stage learns from. One that has no held-out rows and is learned from has figures of its own, called eval_train/….',
    ),
    limit: limitOf,
    samples: samplesOf,
    sampling: sampling.prefault({}).describe('How evaluation samples.'),
    ...toolUseShape,
    ...promptShape,
    every: count
      .default(0)
      .describe(
        'Evaluate every this many steps as well; 0 is only before the first, unless the model is a fresh one, and after the last.',
      ),
    answers: answersOf,
  }),
  evaluationRules,
);
export type EvaluationSettings = z.infer<typeof evaluation>;

/** Names of evaluated datasets whose rows were learned from. */
export const trainedOn = z.array(name).max(16).optional();

export function warningOfTrainedOn(datasets: readonly string[]): string {
  const [noun, have, are, their] =
    datasets.length === 1 ? ['dataset', 'has', 'is', 'its'] : ['datasets', 'have', 'are', 'their'];
  return `the evaluated ${noun} ${datasets.join(', ')} ${have} no held-out rows and ${are} learned from: ${their} figures are called eval_train/…; set heldOut for eval/…`;
}

/** The linear maps of a layer, by their names in a Hugging Face checkpoint. */
export const loraTargets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

export const lora = object({
  rank: z.int().min(1).max(1024).default(16).describe('Rank of what is learned for each matrix (r of peft).'),
  alpha: z
    .number()
    .min(0.001)
    .max(100_000)
    .default(32)
    .describe('What an adapter adds counts alpha ÷ rank times (lora_alpha of peft).'),
  targets: z
    .array(z.enum(loraTargets))
    .min(1)
    .max(loraTargets.length)
    .default([...loraTargets])
    .describe('Linear maps of every layer that get an adapter (target_modules of peft); all of them when absent.'),
});
export type LoraSettings = z.infer<typeof lora>;

/** Words for the two float types, of products and of weights in files. */
export const precisions = ['f32', 'bf16'] as const;

export const precision = z
  .enum(precisions)
  .describe(
    'Of the products of linear layers and of the head. bf16 rounds their factors to bfloat16 and sums in f32, forward and backward, as autocast of PyTorch does, and keys and values to bfloat16, which halves their cache; weights, moments, norms, softmax, queries and adapters stay in f32.',
  );
export type Precision = z.infer<typeof precision>;

/** Settings that every stage that updates weights has. */
export const trainingShape = {
  learningRate: learningRate.describe('Peak learning rate of AdamW.'),
  schedule: schedule.prefault({}).describe('Learning-rate schedule.'),
  optimizer: optimizer.prefault({}).describe('AdamW and clipping.'),
  lora: lora
    .optional()
    .describe(
      'Trains LoRA adapters instead of the weights, which stay as they are and have neither gradient nor moments; {} takes the defaults. The checkpoint is the merged model, with the adapter beside it in the form of peft. It wants about ten times the learning rate.',
    ),
  checkpointEvery: positiveInt.default(100).describe('Save a checkpoint every this many steps.'),
  keepOptimizer: z
    .boolean()
    .optional()
    .describe(
      'Keep, beside the final checkpoint, what a run with more steps goes on from: twice what is trained in f32, three times with a reference. When absent it is kept up to 2 GiB.',
    ),
};
