import { z } from 'zod';
import { judgeRules, judgeShape } from './judge.ts';
import { exactlyOne, name, object, positiveInt, withRules } from './schema.ts';
import {
  type RewardHttpSettings,
  type RewardModuleSettings,
  type RewardPythonSettings,
  rewardHttp,
  rewardModule,
  rewardPython,
  rewardShape,
} from './own-functions.ts';

/** What a reward of one's own has, wherever it is computed. */
export type OwnRewardSettings = RewardModuleSettings | RewardPythonSettings | RewardHttpSettings;

export const reward = exactlyOne(
  {
    accuracy: object(rewardShape)
      .optional()
      .describe("1 if the dataset's verifier accepts the answer, its stated part for a partly right list, else 0."),
    format: object(rewardShape)
      .optional()
      .describe(
        '1 if the response is exactly <think>…</think><answer>…</answer>, else 0; where the answer is not read from the tag, <think>…</think> and a plain summary will do, too. A tag that the prompt ends with belongs to the response.',
      ),
    languageConsistency: object(rewardShape)
      .optional()
      .describe(
        "Words of the prompt's language divided by all words of the chain of thought; code, formulas, names and quotations of the prompt do not count.",
      ),
    length: object({
      ...rewardShape,
      max: positiveInt.describe('Completions longer than this score −1 (DAPO soft overlong punishment).'),
      soft: positiveInt.describe('The penalty grows linearly over this many tokens before max.'),
    })
      .optional()
      .describe('Penalty for overlong completions.'),
    rewardModel: object({
      ...rewardShape,
      from: name.describe('The rewardModel stage.'),
      scope: z
        .enum(['summary', 'response'])
        .optional()
        .describe(
          'summary: only what follows the think block is scored; response: everything. What its stage has learned to read when absent.',
        ),
    })
      .optional()
      .describe('Score of a trained reward model.'),
    module: rewardModule
      .optional()
      .describe("A function of one's own, in a process without files; what it cannot score is left out, never wrong."),
    python: rewardPython
      .optional()
      .describe(
        "A function of one's own in Python, called as TRL does; what it cannot score is left out, never wrong.",
      ),
    http: rewardHttp
      .optional()
      .describe(
        "A service of one's own, which gets completions in batches; what it gives no score is left out, never wrong.",
      ),
    judge: withRules(object({ ...rewardShape, ...judgeShape }), judgeRules)
      .optional()
      .describe('The verdict of a model that reads the response; what it says nothing of is left out, never wrong.'),
    random: object(rewardShape).optional().describe('Uniform noise in 0–1, the negative control of a learning claim.'),
  },
  'reward',
);
export type RewardSettings = z.infer<typeof reward>;

/** Kinds of rewards, by their names in a manifest. */
export const rewardKinds = Object.keys(reward.shape);

/** A reward that is silent in the first steps of a stage. */
export function isLate(setting: RewardSettings): boolean {
  return Object.values(setting).some((ofKind) => ofKind?.lastSteps !== undefined);
}

/** The settings of a reward of one's own; nothing for another. */
export function ownReward({ module, python, http }: RewardSettings): OwnRewardSettings | undefined {
  return module ?? python ?? http;
}
