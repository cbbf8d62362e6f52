import { z } from 'zod';
import { judgeRules, judgeShape } from './judge.ts';
import { exactlyOne, name, object, path, positiveInt, withRules } from './schema.ts';
import { serviceToken } from './service-token.ts';

const common = {
  weight: z.number().min(-100).max(100).default(1).describe('Factor of this reward in the sum.'),
  domains: z
    .array(z.enum(['reasoning', 'general']))
    .min(1)
    .max(2)
    .optional()
    .describe('Only prompts of these domains; all when absent.'),
};

/** A reward of one's own. docs/rewards.md says what the file holds. */
export const rewardModule = object({
  ...common,
  file: path.describe(
    'A TypeScript or JavaScript file, relative to the manifest, that exports grade or gradeBatch: docs/rewards.md. It is read as data are: on a cluster it comes along, or lies on one of spec.volumes.',
  ),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(3600)
    .default(10)
    .describe('Longest time for a completion (grade) or for all of a rollout (gradeBatch).'),
  memoryMiB: z.int().min(16).max(65536).default(256).describe('Largest heap of the process that it runs in.'),
});
export type RewardModuleSettings = z.infer<typeof rewardModule>;

/** The interpreter that comes along. */
export const pyodide = 'pyodide';

/** The same in Python, called as TRL calls a reward function. */
export const rewardPython = object({
  ...common,
  file: path.describe(
    'A Python file, relative to the manifest, with a function of prompts, completions and columns, as TRL calls it: docs/rewards.md. It is read as data are.',
  ),
  function: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .max(128)
    .optional()
    .describe('Name of the function; the only one that the file defines when absent.'),
  format: z
    .enum(['conversational', 'standard'])
    .default('conversational')
    .describe('How it gets prompts and completions: lists of messages, or texts.'),
  interpreter: z
    .string()
    .regex(/^(\/.+|[^/]+)$/)
    .max(1024)
    .default(pyodide)
    .describe(
      "What runs it. pyodide: Python 3.14 with its standard library, which comes along and is confined as a module is. Else a Python of the machine or of the stage's image, such as python3, with what the file imports and the trainer's rights on files: a name on PATH, or an absolute path.",
    ),
  timeoutSeconds: z.number().min(0.1).max(3600).default(10).describe('Longest time for all of a rollout.'),
  memoryMiB: z
    .int()
    .min(64)
    .max(65536)
    .default(1024)
    .describe('Largest memory of that Python; of one of the machine the address space of its process.'),
});
export type RewardPythonSettings = z.infer<typeof rewardPython>;

/** A service that is asked for scores. */
export const rewardHttp = object({
  ...common,
  url: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s#@]*)?$/)
    .max(2048)
    .describe(
      'Where completions are posted to and scores come from: docs/rewards.md. Without a name and a password in it.',
    ),
  token: serviceToken('R1_REWARD_TOKEN').optional().describe('Sent as Authorization: Bearer.'),
  batch: z.int().min(1).max(1024).default(64).describe('Largest number of completions in a request.'),
  concurrency: z.int().min(1).max(64).default(4).describe('Requests at a time.'),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(3600)
    .default(30)
    .describe('Longest time for a request. One that fails for a reason that passes is tried four times.'),
});
export type RewardHttpSettings = z.infer<typeof rewardHttp>;

/** What a reward of one's own has, wherever it is computed. */
export type OwnRewardSettings = RewardModuleSettings | RewardPythonSettings | RewardHttpSettings;

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
    judge: withRules(object({ ...common, ...judgeShape }), judgeRules)
      .optional()
      .describe('The verdict of a model that reads the response; what it says nothing of is left out, never wrong.'),
    random: object(common).optional().describe('Uniform noise in 0–1, the negative control of a learning claim.'),
  },
  'reward',
);
export type RewardSettings = z.infer<typeof reward>;

/** The settings of a reward of one's own; nothing for another. */
export function ownReward({ module, python, http }: RewardSettings): OwnRewardSettings | undefined {
  return module ?? python ?? http;
}
