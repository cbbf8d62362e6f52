import { z } from 'zod';
import { preferencePolicy } from './preference-policy.ts';
import { count, exactlyOneRule, name, names, object, positiveInt, withRules } from './schema.ts';
import { rowShape, trainingShape } from './training.ts';

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
