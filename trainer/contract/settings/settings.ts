import { z } from 'zod';
import { grpo } from './grpo-settings.ts';
import { type Control, supervisedControls } from './guard.ts';
import { judgedLabels, judgedPairs, judgeOfRows } from './judge.ts';
import { preferencePolicy } from './preference-policy.ts';
import { count, exactlyOne, exactlyOneRule, fraction, name, names, object, positiveInt, withRules } from './schema.ts';
import { toolUseShape } from './tool-use.ts';
import type { LoraSettings } from './training.ts';
import { evaluation, evaluationRules, promptShape, rowShape, sampling, trainingShape } from './training.ts';

export { grpo, type GrpoSettings } from './grpo-settings.ts';
export type { Control } from './guard.ts';

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
  controls: supervisedControls.optional(),
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
  controls: supervisedControls.optional(),
}).describe('Supervised fine-tuning on completions: the stop token is trained, prompt tokens are not.');
export type SftSettings = z.infer<typeof sft>;

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

export const sample = withRules(
  object({
    prompts: names.describe('Datasets with prompts.'),
    given: names
      .optional()
      .describe(
        'Those of prompts whose rows have a completion already, such as chats: it goes through the filters in place of samples.',
      ),
    thoughts: object({
      minWords: z
        .int()
        .min(1)
        .max(1000)
        .default(12)
        .describe('A query of fewer words needs none, unless it has an answer that is right or wrong.'),
    })
      .optional()
      .describe(
        'Given completions without a chain of thought get one that the model writes, where the query needs it. Of a row whose answer can be verified, only thoughts count that led the model to a right one.',
      ),
    limit: positiveInt.optional().describe('At most this many prompts of each dataset.'),
    decontaminate: names
      .optional()
      .describe(
        'Datasets that models are measured on. Prompts, worked examples and completions that share ten words in a row with a question of their held-out rows (of all rows where none are held out), or with its solution, are dropped and counted.',
      ),
    perPrompt: positiveInt.default(8).describe('Completions per prompt.'),
    methods: z
      .array(sampleMethod)
      .min(1)
      .max(3)
      .default([{ method: 'plain', share: 1 }])
      .describe('Prompting methods.'),
    examples: positiveInt.default(2).describe('Worked examples in a few-shot prompt.'),
    sampling: sampling.prefault({}).describe('How completions are sampled.'),
    ...toolUseShape,
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
    judge: judgeOfRows
      .optional()
      .describe(
        'A model that scores what the filters let through; what it finds too bad, and what it says nothing of, is dropped and counted.',
      ),
    rank: z
      .array(z.enum(['accuracy', 'judge', 'rewardModel', 'shortest']))
      .max(4)
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
    pairs: judgedPairs
      .optional()
      .describe(
        'Rows are pairs for rewardModel, of completions of a prompt that pass the filters and are about as long as each other. Those on which the judge is clearest come first; keepPerPrompt and quotas count pairs.',
      ),
    labels: judgedLabels
      .optional()
      .describe(
        'Rows are completions that pass the filters, sampled or given, with a label by a judge, for rewardModel. keepPerPrompt and quotas count them; rank is of no use.',
      ),
  }),
  [
    {
      rule: '!has(self.given) || self.given.all(g, g in self.prompts)',
      message: 'given: expected datasets that are among prompts',
    },
    {
      rule: '!has(self.thoughts) || has(self.given)',
      message: 'thoughts: belong to completions that are given',
    },
    {
      rule: '!has(self.given) || !has(self.pairs)',
      message: 'given: pairs are of sampled completions alone',
    },
    {
      rule: '!has(self.pairs) || self.perPrompt > 1',
      message: 'perPrompt: a pair needs at least 2 completions of a prompt',
    },
    {
      rule: '!has(self.pairs) || !has(self.rewardModel)',
      message: 'rewardModel: the judge of pairs ranks them; expected one of rewardModel and pairs',
    },
    {
      rule: '!has(self.pairs) || !has(self.judge)',
      message: 'judge: pairs have a judge of their own; expected one of judge and pairs',
    },
    {
      rule: '!has(self.labels) || (!has(self.judge) && !has(self.pairs) && !has(self.rewardModel))',
      message:
        'labels: are made of all that the filters let through; expected no judge, pairs or rewardModel beside them',
    },
    {
      rule: "!self.rank.exists(r, r == 'judge') || has(self.judge)",
      message: 'rank: judge is the score of sample.judge; expected it, too',
    },
  ],
).describe(
  'Rejection sampling: many completions of each prompt, filtered, ranked, the best kept as data for sft; or pairs of them, or labelled ones, for rewardModel.',
);
export type SampleSettings = z.infer<typeof sample>;

const exactlyOneData = exactlyOneRule(['pairs', 'labelled'], 'data');

export const rewardModel = withRules(
  object({
    ...trainingShape,
    learningRate: trainingShape.learningRate.default(6e-6),
    pairs: names
      .optional()
      .describe(
        'Datasets with chosen and rejected, or sample stages with pairs: the chosen one is to score higher (Bradley–Terry).',
      ),
    labelled: names
      .optional()
      .describe(
        'Datasets of completions with a label, or sample stages with labels, true for good and false for bad, such as safe and unsafe ones: the score is the logit of good (binary cross-entropy).',
      ),
    scope: z
      .enum(['summary', 'response'])
      .optional()
      .describe(
        'summary: it reads only what follows the think block; response: everything. When absent summary for pairs and response for labelled, as helpfulness and safety are judged in the paper. Rewards read what it has learned to read.',
      ),
    centerRewardsCoefficient: z
      .number()
      .min(0)
      .max(10)
      .default(0)
      .describe(
        'Of pairs: weight of (score of chosen + score of rejected)² in the loss, which draws scores to a mean of 0 (center_rewards_coefficient of TRL, 0.01 there in examples).',
      ),
    preferencePolicy: preferencePolicy.optional(),
    compareWith: name
      .optional()
      .describe(
        'An earlier rewardModel stage, whose model is measured on the same held-out rows: figures compared/…, and how far the two agree.',
      ),
    epochs: count
      .default(1)
      .describe(
        'Passes over the rows. 0 takes the model as it is, a reward model from elsewhere with a head of one label: held-out rows measure it, and it needs neither pairs nor labelled for its scores.',
      ),
    batch: positiveInt.default(256).describe('Pairs, or labelled completions, per step.'),
    ...rowShape,
  }),
  [
    {
      rule: `${exactlyOneData.rule} || (self.epochs == 0 && !has(self.pairs) && !has(self.labelled))`,
      message: exactlyOneData.message,
    },
    {
      rule: '!has(self.compareWith) || has(self.pairs) || has(self.labelled)',
      message: 'compareWith: models are compared on held-out rows of pairs or labelled',
    },
    { rule: 'self.epochs > 0 || !has(self.lora)', message: 'lora: epochs 0 trains nothing' },
    {
      rule: '!has(self.labelled) || self.centerRewardsCoefficient == 0.0',
      message: 'centerRewardsCoefficient: labels say where 0 is; only pairs leave it open',
    },
  ],
).describe('Trains a reward model, with a scalar head, on pairs or on labelled completions.');
export type RewardModelSettings = z.infer<typeof rewardModel>;

/** What of a response a reward model reads: the final summary for its helpfulness, everything for its safety. */
export function rewardScope({
  scope,
  labelled,
}: Pick<RewardModelSettings, 'scope' | 'labelled'>): 'summary' | 'response' {
  return scope ?? (labelled === undefined ? 'summary' : 'response');
}

export const review = object({
  data: name.describe('The sample stage whose rows are reviewed.'),
  required: z
    .boolean()
    .default(true)
    .describe('The stage waits until people have decided on every row; false: rows pass on, recorded as not reviewed.'),
  secondReader: fraction
    .default(0)
    .describe(
      "Share of the rows that a second person decides on as well, without knowing what the first one did. Cohen's kappa says how far they agree; where they do not, the row waits until one comes round or a third person decides.",
    ),
}).describe('People accept, edit or reject the rows of a sample stage: docs/review.md.');
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

/** The negative controls of a stage, and of which type it is; nothing where it has none. */
export function controlsOf(
  stage: Partial<StageSettings>,
): { readonly type: 'pretrain' | 'sft' | 'grpo'; readonly controls: readonly Control[] } | undefined {
  for (const type of ['pretrain', 'sft', 'grpo'] as const) {
    const controls = stage[type]?.controls;
    if (controls !== undefined) return { type, controls };
  }
  return undefined;
}

/** The adapters that a stage trains; none where it trains all weights, or nothing. */
export function loraOf(stage: StageSettings): LoraSettings | undefined {
  return (stage.pretrain ?? stage.grpo ?? stage.sft ?? stage.rewardModel)?.lora;
}

function ofRewardModel({ rewardModel: settings }: StageSettings): readonly string[] | undefined {
  return settings?.pairs ?? settings?.labelled;
}

/** Names of the data that a stage learns, samples or reviews: of datasets and of stages that write rows. */
export function dataOf(stage: StageSettings): readonly string[] {
  const learned = stage.pretrain?.data ?? stage.grpo?.prompts ?? stage.sft?.data ?? ofRewardModel(stage);
  return learned ?? stage.sample?.prompts ?? (stage.review === undefined ? [] : [stage.review.data]);
}
