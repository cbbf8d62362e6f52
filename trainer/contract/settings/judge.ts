import { z } from 'zod';
import { preferencePolicy } from './preference-policy.ts';
import { exactlyOneRule, fraction, name, object, positiveInt, type Rule, withRules } from './schema.ts';
import { serviceToken } from './service-token.ts';
import { sampling } from './training.ts';

const endpoint = object({
  url: z
    .string()
    .max(1024)
    .regex(/^https?:\/\/[^@\s?#]+$/)
    .describe('Where it answers, such as http://judge:8000/v1; /chat/completions is put behind it.'),
  model: z.string().min(1).max(256).describe('What it calls the model.'),
  token: serviceToken('R1_JUDGE_TOKEN').optional().describe('The key that it asks for, sent as Authorization: Bearer.'),
  concurrency: z.int().min(1).max(256).default(8).describe('Requests at a time.'),
  timeoutSeconds: z.number().min(1).max(3600).default(120).describe('Longest time for a request.'),
  budgetTokens: positiveInt
    .optional()
    .describe(
      'Tokens of prompts and verdicts that may be spent over the whole stage; it ends, and goes on from there once there may be more. No bound when absent.',
    ),
});
export type JudgeEndpoint = z.infer<typeof endpoint>;

/** A model that reads responses and says how good they are. */
export const judgeShape = {
  from: name.optional().describe('The stage whose model judges, beside the one that learns.'),
  endpoint: endpoint.optional().describe("A server with OpenAI's API: vLLM, llama.cpp, r1 serve, a hosted one."),
  by: z
    .enum(['score', 'comparison'])
    .default('score')
    .describe(
      'score: each response gets one, from 0 to 1. comparison: each is compared with the next one of its group, in both orders; 1 is won, 0.5 is a draw, 0 is lost, and the mean of its two comparisons counts.',
    ),
  rubric: z
    .string()
    .min(1)
    .max(32768)
    .optional()
    .describe(
      'What the judge is asked, a Jinja template: docs/judge.md names its variables. One that asks for helpful, correct and clear answers when absent.',
    ),
  preferencePolicy: preferencePolicy
    .optional()
    .describe('What the judge is to go by; the rubric shows it its text, and it is named in the report.'),
  scope: z
    .enum(['summary', 'response'])
    .default('summary')
    .describe('summary: only what follows the think block is judged; response: everything.'),
  scale: z.int().min(1).max(100).default(10).describe('Verdicts are numbers from 0 to this.'),
  margin: z
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe('comparison: a mean difference of not more than this, over all votes in both orders, is a draw.'),
  votes: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('Verdicts asked of each response, or of each order of a comparison; their mean counts.'),
  sampling: sampling
    .prefault({ temperature: 0, maxNewTokens: 512 })
    .describe('How verdicts are sampled; several votes need a temperature above 0.'),
};

export const judgeRules: readonly Rule[] = [
  exactlyOneRule(['from', 'endpoint'], 'judge'),
  {
    rule: 'self.votes == 1 || self.sampling.temperature > 0.0',
    message: 'votes: several greedy verdicts are all the same; set sampling.temperature',
  },
];

const { by: _, ...comparisonShape } = judgeShape;
const { margin: _margin, ...scoreShape } = comparisonShape;

/** Scores responses, from 0 to 1. */
export const scoringJudge = withRules(object(scoreShape), judgeRules);

/** Says which completions are good enough to be kept, where rules let them through. */
export const judgeOfRows = withRules(
  object({
    ...scoreShape,
    atLeast: fraction
      .default(0.5)
      .describe('Completions that it scores less are dropped: the mean of its votes, divided by scale.'),
    domains: z
      .array(z.enum(['reasoning', 'general']))
      .min(1)
      .max(2)
      .optional()
      .describe('Rows of other domains pass unjudged; all are judged when absent.'),
  }),
  judgeRules,
);
export type JudgeOfRowsSettings = z.infer<typeof judgeOfRows>;

/** Pairs of completions, of which a judge says which is the better one. */
export const judgedPairs = object({
  judge: withRules(object(comparisonShape), judgeRules).describe(
    'Which of two responses is better; a draw, and what it says nothing of, is left out.',
  ),
  lengthRatio: z
    .number()
    .min(1)
    .max(10)
    .default(1.25)
    .describe('The longer text of a pair has at most so many times the tokens of the shorter one.'),
  heldOut: fraction
    .max(0.9)
    .default(0.1)
    .describe('Share of the prompts, chosen by a hash of them, whose pairs are kept back to measure a reward model.'),
});
export type JudgedPairsSettings = z.infer<typeof judgedPairs>;

/** Completions that a judge labels, good or bad. */
export const judgedLabels = withRules(
  object({
    judge: withRules(
      object({
        ...scoreShape,
        scope: judgeShape.scope
          .unwrap()
          .default('response')
          .describe(
            'response: everything is judged, the chain of thought, too; summary: only what follows the think block.',
          ),
      }),
      judgeRules,
    ).describe('How good a response is; one that it says nothing of is left out.'),
    atLeast: fraction
      .default(0.5)
      .describe('The label is true where the mean of its votes, divided by scale, is at least this.'),
    atMost: fraction
      .optional()
      .describe(
        'The label is false where that is at most this. What lies between the two is uncertain: it gets no label, is counted and left out. Everything below atLeast is false when absent.',
      ),
    heldOut: fraction
      .max(0.9)
      .default(0.1)
      .describe('Share of the prompts, chosen by a hash of them, whose rows are kept back to measure a reward model.'),
  }),
  [
    {
      rule: '!has(self.atMost) || self.atMost < self.atLeast',
      message: 'atMost: what is good is not bad, too; expected less than atLeast',
    },
  ],
);
export type JudgedLabelsSettings = z.infer<typeof judgedLabels>;

const judgeSettings = object(judgeShape);
export type JudgeSettings = z.infer<typeof judgeSettings>;

type AnyJudge = Omit<JudgeSettings, 'by' | 'margin'>;

/** A part of a stage's settings that may have a judge. */
type Judged = { readonly judge?: AnyJudge | undefined } | undefined;

/** The judges of a stage that are no rewards. */
export function judgesBesideRewards({
  grpo,
  sample,
}: {
  readonly grpo?: { readonly guard?: Judged } | undefined;
  readonly sample?: (Judged & { readonly pairs?: Judged; readonly labels?: Judged }) | undefined;
}): readonly AnyJudge[] {
  return [grpo?.guard, sample, sample?.pairs, sample?.labels].flatMap((part) => part?.judge ?? []);
}

/** A judge without what decides no verdict: how it is reached, and what may be spent. */
export function decisiveJudge(judge: Partial<JudgeSettings>): object {
  if (judge.endpoint === undefined) return judge;
  const { url, model } = judge.endpoint;
  return { ...judge, endpoint: { url, model } };
}
