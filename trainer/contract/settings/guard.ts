import { z } from 'zod';
import { scoringJudge } from './judge.ts';
import { answersOf, limitOf, samplesOf, sampling } from './training.ts';
import { fraction, name, names, object, positiveInt } from './schema.ts';

/** Negative controls: what a stage does when there is nothing to learn. */
export const controlKinds = ['random', 'shuffled', 'zeroLr'] as const;
export type Control = (typeof controlKinds)[number];

/** Those of a stage that learns from completions. */
const supervisedControlKinds = ['shuffled', 'zeroLr'] as const;

export const supervisedControls = z
  .array(z.enum(supervisedControlKinds))
  .min(1)
  .max(supervisedControlKinds.length)
  .describe(
    'Negative controls, which run after the stage, each for as many steps from the same model: the completions of other rows; a learning rate of 0. The result has the difference in held-out pass@1 to each.',
  );

export const controls = z
  .array(z.enum(controlKinds))
  .min(1)
  .max(controlKinds.length)
  .describe(
    'Negative controls, which run after the stage, each for as many steps from the same model: noise for a reward; the rewards of other completions; a learning rate of 0. The result has the difference in held-out pass@1 to each.',
  );

export const guard = object({
  data: names.describe(
    'Datasets whose held-out rows are asked, and whose verifiers judge unless rewardModel or judge does: better another verifier than the rewards are, and never a dataset that is learned from as a whole.',
  ),
  answers: answersOf,
  rewardModel: object({
    from: name.describe('A rewardModel stage that no reward of this stage names.'),
    scope: z
      .enum(['summary', 'response'])
      .optional()
      .describe('What of a completion it reads; what it has learned to read when absent.'),
  })
    .optional()
    .describe(
      'A reward model that looks on in place of the verifiers, by the mean score of the completions of each prompt: rows need no answers.',
    ),
  judge: scoringJudge
    .optional()
    .describe(
      'A model that reads and scores, and is none of those of rewards, in place of the verifiers: by the mean score of the completions of each prompt, from 0 to 1. One that it says nothing of is left out.',
    ),
  limit: limitOf,
  minPrompts: z
    .int()
    .min(2)
    .max(100_000)
    .default(30)
    .describe('Fewer held-out prompts that can be judged end the stage before its first step: they would say nothing.'),
  samples: samplesOf,
  sampling: sampling.optional().describe('How it samples; as the stage does when absent.'),
  every: positiveInt
    .default(50)
    .describe('Optimizer steps between two looks, each where a rollout ends; the first is before the first step.'),
  tolerance: fraction
    .default(0)
    .describe(
      'A fall of pass@1, or of the mean score, by no more than this is none: the whole interval must lie below it.',
    ),
  onRegression: z
    .enum(['Stop', 'Rollback', 'Continue'])
    .default('Stop')
    .describe(
      'Stop: the stage fails. Rollback: it ends, and the model of the last good step is its result. Continue: it warns, and nothing else.',
    ),
}).describe('A verifier, a reward model or a judge beside the rewards that looks on while the stage learns.');
export type GuardSettings = z.infer<typeof guard>;

/** What a guard measures: right answers, or what a reward model or a judge makes of them. */
export function guardFigure({ rewardModel, judge }: Pick<GuardSettings, 'rewardModel' | 'judge'>): 'pass@1' | 'score' {
  return (rewardModel ?? judge) === undefined ? 'pass@1' : 'score';
}
