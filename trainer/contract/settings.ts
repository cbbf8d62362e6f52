import { z } from 'zod';
import { reward } from './rewards.ts';
import { count, exactlyOne, fraction, name, names, object, positiveInt, withRules } from './schema.ts';
import type { LoraSettings } from './training.ts';
import { evaluation, evaluationRules, promptShape, rowShape, sampling, trainingShape } from './training.ts';

export const pretrain = object({
  ...trainingShape,
  learningRate: trainingShape.learningRate.default(2e-3),
  data: names.describe('Datasets with completions; the whole text is trained.'),
  steps: positiveInt.describe('Optimizer steps.'),
  batch: positiveInt.default(64).describe('Rows per step.'),
  maxLength: rowShape.maxLength,
  overlong: z
    .enum(['cut', 'drop', 'refuse'])
    .default('cut')
    .describe(
      'What happens with longer rows: only their beginning is trained, they are left out and counted, or the stage ends before its first step.',
    ),
}).describe('Pre-training: next-token prediction on whole documents.');
export type PretrainSettings = z.infer<typeof pretrain>;

export const sft = object({
  ...trainingShape,
  learningRate: trainingShape.learningRate.default(5e-5),
  schedule: trainingShape.schedule.prefault({ kind: 'cosine' }),
  data: names.describe('Datasets with completions, or sample and review stages.'),
  epochs: positiveInt.default(2).describe('Passes over the data.'),
  batch: positiveInt.default(128).describe('Rows per step.'),
  turns: z
    .enum(['last', 'all'])
    .default('last')
    .describe(
      'Turns of the assistant that are trained: the last of a conversation, or all, each as if it were the last. Where a chat template leaves out earlier thoughts, all costs a document for each turn.',
    ),
  ...rowShape,
}).describe('Supervised fine-tuning on completions: the stop token is trained, prompt tokens are not.');
export type SftSettings = z.infer<typeof sft>;

const completions = object({
  every: positiveInt
    .default(20)
    .describe(
      'Steps between two looks at completions, in samples.jsonl and the report; the last rollout is always looked at.',
    ),
  count: z.int().min(0).max(1024).default(2).describe('Prompts in a look, with one completion each.'),
  rollouts: count
    .default(0)
    .describe(
      'The newest rollouts of which all completions are kept, with rewards and advantages, a file each in rollouts/; beyond 1 GiB fewer. 0 is none.',
    ),
});

export const grpo = withRules(
  object({
    ...trainingShape,
    learningRate: trainingShape.learningRate.default(3e-6),
    prompts: names.describe('Datasets with prompts.'),
    steps: positiveInt.describe('Optimizer steps.'),
    promptsPerStep: positiveInt.default(32).describe('Prompts in one optimizer step.'),
    group: z.int().min(2).max(1024).default(16).describe('Completions per prompt.'),
    stepsPerRollout: positiveInt.default(1).describe('Mini-batches that one rollout is cut into; the paper uses 16.'),
    epochsPerRollout: positiveInt.default(1).describe('Times that a rollout is trained on.'),
    loss: z
      .enum(['grpo', 'dr_grpo', 'dapo', 'gspo', 'cispo'])
      .default('grpo')
      .describe(
        'grpo clips the ratio of each token and counts every completion the same; dapo counts every token of the batch the same; dr_grpo divides by maxNewTokens, and rewards by nothing; gspo clips one ratio a completion, the geometric mean of its tokens, and wants a clip of about 3e-4; cispo takes the ratio, at most 1 + clip.high, as a weight without a gradient, so that every token learns, and counts tokens as dapo does.',
      ),
    scaleRewards: z
      .enum(['group', 'batch', 'none'])
      .optional()
      .describe(
        "What a reward's distance from the mean of its group is divided by: the standard deviation of the group, that of the whole rollout, or nothing (scale_rewards of TRL). When absent group, and none for dr_grpo.",
      ),
    clip: object({
      low: z
        .number()
        .min(0)
        .max(1)
        .default(0.2)
        .describe('The ratio is clipped below 1 − low; cispo has no bound there.'),
      high: z.number().min(0).max(100).default(10).describe('The ratio is clipped above 1 + high.'),
      dual: z
        .number()
        .min(1)
        .max(100)
        .optional()
        .describe(
          'Dual clip: where the advantage is negative, the ratio is clipped above this as well (clip_ratio_c of verl, 3 there; delta of TRL). Off when absent, as in the paper and in TRL.',
        ),
    })
      .prefault({})
      .describe('PPO clipping; the paper uses ε = 10 above.'),
    kl: object({
      coefficient: z
        .number()
        .min(0)
        .max(10)
        .default(0.001)
        .describe('Weight of the k3 estimate of KL(policy ‖ reference) in the loss; at 0 no reference is kept.'),
      report: z
        .boolean()
        .optional()
        .describe('Keeps a reference and reports the metric kl at a coefficient of 0, too: 18 % of a step.'),
      referenceEvery: count
        .default(400)
        .describe('The reference is replaced by the policy every this many steps; 0 is never.'),
    })
      .prefault({})
      .describe('KL to the reference policy, inside the loss.'),
    advantageEpsilon: z.number().min(0).default(1e-4).describe('Added to the standard deviation of a group.'),
    sampling: sampling.prefault({}).describe('How completions are sampled.'),
    ...promptShape,
    completions: completions.prefault({}).describe('Which completions are written down; decides no weights.'),
    rewards: z.array(reward).min(1).max(16).describe('Simply added, each times its weight.'),
  }),
  [
    {
      rule: '!self.rewards.exists(r, has(r.rewardModel) && has(r.rewardModel.lastSteps) && r.rewardModel.lastSteps > self.steps)',
      message: 'rewards: lastSteps must not be greater than steps',
    },
    {
      rule: 'self.sampling.temperature >= 0.01',
      message: 'sampling.temperature must be at least 0.01: greedy completions of a group are all the same',
    },
    {
      rule: 'self.sampling.topP > 0.0 && self.sampling.topK != 1',
      message:
        'sampling.topP must be greater than 0 and sampling.topK must not be 1: with one token to choose from, the completions of a group are all the same',
    },
    {
      rule: '!has(self.clip.dual) || self.clip.dual > 1.0',
      message: 'clip.dual must be greater than 1: it bounds the ratio where it has grown',
    },
    {
      rule: "!has(self.clip.dual) || self.loss != 'cispo'",
      message: 'clip.dual: the loss cispo has one bound of the ratio, clip.high',
    },
  ],
).describe('Reinforcement learning with verifiable rewards, by group relative policy optimisation.');
export type GrpoSettings = z.infer<typeof grpo>;

export const sampleMethod = object({
  method: z
    .enum(['plain', 'fewShot', 'reflection'])
    .describe('How the prompt is put: as it is, after worked examples, or with the request to verify.'),
  share: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('Share of the prompts that use it, relative to the other methods.'),
});

export const sample = object({
  prompts: names.describe('Datasets with prompts.'),
  limit: positiveInt.optional().describe('At most this many prompts of each dataset.'),
  perPrompt: positiveInt.default(8).describe('Completions per prompt.'),
  methods: z
    .array(sampleMethod)
    .min(1)
    .max(3)
    .default([{ method: 'plain', share: 1 }])
    .describe('Prompting methods.'),
  examples: positiveInt.default(2).describe('Worked examples in a few-shot prompt.'),
  sampling: sampling.prefault({}).describe('How completions are sampled.'),
  ...promptShape,
  keep: z
    .array(z.enum(['correct', 'readable', 'oneLanguage', 'notOverlong']))
    .max(4)
    .default(['correct', 'readable', 'oneLanguage', 'notOverlong'])
    .describe(
      'Filters, in order: verified answer; strict tags and no repetition; chain of thought in the language of the prompt; ended by itself.',
    ),
  minLanguageConsistency: fraction
    .default(0.9)
    .describe(
      "oneLanguage keeps chains of thought of which at least this share of the words is in the prompt's language. At 1 a single misjudged phrase costs a completion.",
    ),
  rank: z
    .array(z.enum(['accuracy', 'rewardModel', 'shortest']))
    .max(3)
    .default(['accuracy', 'shortest'])
    .describe('Order of the survivors of one prompt, best first.'),
  rewardModel: name.optional().describe('The rewardModel stage used by rank.'),
  keepPerPrompt: positiveInt.default(1).describe('Survivors kept of each prompt.'),
  quotas: object({
    reasoning: count.optional().describe('At most this many rows of the reasoning domain.'),
    general: count.optional().describe('At most this many rows of the general domain.'),
  })
    .optional()
    .describe('Rows per domain.'),
}).describe('Rejection sampling: many completions of each prompt, filtered, ranked, the best kept as data for sft.');
export type SampleSettings = z.infer<typeof sample>;

export const rewardModel = object({
  ...trainingShape,
  learningRate: trainingShape.learningRate.default(6e-6),
  pairs: names.describe('Datasets with chosen and rejected.'),
  epochs: positiveInt.default(1).describe('Passes over the pairs.'),
  batch: positiveInt.default(256).describe('Pairs per step.'),
  ...rowShape,
}).describe('Trains a reward model on pairs (Bradley–Terry), with a scalar head.');
export type RewardModelSettings = z.infer<typeof rewardModel>;

export const review = object({
  data: name.describe('The sample stage whose rows are reviewed.'),
  required: z.boolean().default(true).describe('false: rows pass on, recorded as not reviewed.'),
}).describe('People accept, edit or reject the rows of a sample stage.');
export type ReviewSettings = z.infer<typeof review>;

export const evaluate = withRules(object({ ...evaluation.shape }).omit({ every: true }), evaluationRules).describe(
  'Measures a model on held-out prompts.',
);
export type EvaluateSettings = z.infer<typeof evaluate>;

export const stageTypes = ['pretrain', 'grpo', 'sft', 'sample', 'rewardModel', 'review', 'evaluate'] as const;
export type StageType = (typeof stageTypes)[number];

/** The settings of one stage: exactly one type. */
export const stageSettingsShape = {
  pretrain: pretrain.optional(),
  grpo: grpo.optional(),
  sft: sft.optional(),
  sample: sample.optional(),
  rewardModel: rewardModel.optional(),
  review: review.optional(),
  evaluate: evaluate.optional(),
};
export const stageSettings = exactlyOne(stageSettingsShape, 'type');
export type StageSettings = z.infer<typeof stageSettings>;

/** The adapters that a stage trains; none where it trains all weights, or nothing. */
export function loraOf(stage: StageSettings): LoraSettings | undefined {
  return (stage.pretrain ?? stage.grpo ?? stage.sft ?? stage.rewardModel)?.lora;
}

/** Names of the data that a stage learns, samples or reviews: of datasets and of stages that write rows. */
export function dataOf(stage: StageSettings): readonly string[] {
  const learned = stage.pretrain?.data ?? stage.grpo?.prompts ?? stage.sft?.data ?? stage.rewardModel?.pairs;
  return learned ?? stage.sample?.prompts ?? (stage.review === undefined ? [] : [stage.review.data]);
}
