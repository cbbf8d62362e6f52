import { z } from 'zod';
import { judgedLabels, judgedPairs, judgeOfRows } from './judge.ts';
import { count, fraction, name, names, object, positiveInt, withRules } from './schema.ts';
import { toolUseShape } from './tool-use.ts';
import { promptShape, sampling } from './training.ts';

const sampleMethod = object({
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
