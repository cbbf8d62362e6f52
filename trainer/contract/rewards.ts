import { z } from 'zod';
import { exactlyOne, name, object, positiveInt } from './schema.ts';

const common = {
  weight: z.number().min(-100).max(100).default(1).describe('Factor of this reward in the sum.'),
  domains: z
    .array(z.enum(['reasoning', 'general']))
    .min(1)
    .max(2)
    .optional()
    .describe('Only prompts of these domains; all when absent.'),
};

export const reward = exactlyOne(
  {
    accuracy: object(common)
      .optional()
      .describe("1 if the dataset's verifier accepts the answer, its stated part for a partly right list, else 0."),
    format: object(common)
      .optional()
      .describe(
        '1 if the response is exactly <think>…</think><answer>…</answer>, else 0; where the answer is not read from the tag, <think>…</think> and a plain summary will do, too. A tag that the prompt ends with belongs to the response.',
      ),
    languageConsistency: object(common)
      .optional()
      .describe(
        "Words of the prompt's language divided by all words of the chain of thought; code, formulas, names and quotations of the prompt do not count.",
      ),
    length: object({
      ...common,
      max: positiveInt.describe('Completions longer than this score −1 (DAPO soft overlong punishment).'),
      soft: positiveInt.describe('The penalty grows linearly over this many tokens before max.'),
    })
      .optional()
      .describe('Penalty for overlong completions.'),
    rewardModel: object({
      ...common,
      from: name.describe('The rewardModel stage.'),
      scope: z
        .enum(['summary', 'response'])
        .default('summary')
        .describe('summary: only what follows the think block is scored; response: everything.'),
      lastSteps: positiveInt.optional().describe('Only in the last this many steps; all when absent.'),
    })
      .optional()
      .describe('Score of a trained reward model.'),
    random: object(common).optional().describe('Uniform noise in 0–1, the negative control of a learning claim.'),
  },
  'reward',
);
export type RewardSettings = z.infer<typeof reward>;
