import { z } from 'zod';
import { exactlyOne, object, path, positiveInt } from './schema.ts';
import { serviceToken } from './service-token.ts';

/** What every reward has. */
export const rewardShape = {
  weight: z.number().min(-100).max(100).default(1).describe('Factor of this reward in the sum.'),
  domains: z
    .array(z.enum(['reasoning', 'general']))
    .min(1)
    .max(2)
    .optional()
    .describe('Only prompts of these domains; all when absent.'),
  lastSteps: positiveInt
    .optional()
    .describe(
      'Only in the last this many steps; all when absent. DeepSeek-R1 has rewards for preferences in the last 400 of 1,700.',
    ),
};

/** A reward of one's own. docs/rewards.md says what the file holds. */
export const rewardModule = object({
  ...rewardShape,
  file: path.describe(
    'A TypeScript or JavaScript file, relative to the manifest, that exports grade or gradeBatch: docs/rewards.md. It is read as data are: on a cluster it comes along, or lies on one of spec.volumes.',
  ),
  timeoutSeconds: z
    .number()
    .min(0.1)
    .max(3600)
    .default(10)
    .describe('Longest time for a completion (grade) or for all of a rollout (gradeBatch).'),
  memoryMiB: z
    .int()
    .min(16)
    .max(65536)
    .default(256)
    .describe(
      'Largest heap of the process that it runs in; on Linux arrays of bytes are bounded as well, a few hundred MiB above it.',
    ),
});
export type RewardModuleSettings = z.infer<typeof rewardModule>;

/** The interpreter that comes along. */
export const pyodide = 'pyodide';

/** The same in Python, called as TRL calls a reward function. */
export const rewardPython = object({
  ...rewardShape,
  file: path.describe(
    'A Python file, relative to the manifest, with a function of prompts, completions and columns, as TRL calls it: docs/rewards.md. It is read as data are.',
  ),
  function: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .max(128)
    .optional()
    .describe(
      'Name of the function; when absent the only one that the file defines, or the only one of them with a parameter `completions`.',
    ),
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
  ...rewardShape,
  url: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s#@]*)?$/, 'expected http:// or https://, a host and a path')
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

const ofAReward = { weight: true, domains: true, lastSteps: true } as const;

/** What says which answers are right: 1 for what is, 0 for what is not, between them a part. */
export const ownVerifier = exactlyOne(
  {
    module: rewardModule.omit(ofAReward).optional().describe('In TypeScript or JavaScript, as a reward is.'),
    python: rewardPython.omit(ofAReward).optional().describe('In Python, as a reward is.'),
    http: rewardHttp.omit(ofAReward).optional().describe('A service, asked as one that gives rewards is.'),
  },
  'verifier',
);
export type OwnVerifierSettings = z.infer<typeof ownVerifier>;
