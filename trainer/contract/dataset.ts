import { z } from 'zod';
import { count, exactlyOneRule, fraction, name, object, path, positiveInt, withRules } from './schema.ts';

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** How the answer of a row is checked. `pattern` is a regular expression on the final summary (after the think block). */
export const answerKinds = ['number', 'exact', 'list', 'pattern'] as const;

export const generatorSettings = object({
  task: z
    .enum(['mixture', 'addition', 'facts', 'greetings', 'preferences'])
    .describe(
      'mixture: documents for pre-training; addition, facts, greetings: prompts with checkable answers; preferences: chosen/rejected pairs.',
    ),
  rows: positiveInt.default(2000).describe('Rows for training.'),
  heldOut: count.default(0).describe('Further rows, disjoint from the training rows, used by evaluation alone.'),
  digits: z.int().min(1).max(4).default(2).describe('Digits of the largest operand.'),
  languages: z
    .array(z.enum(languages))
    .min(1)
    .max(languages.length)
    .default(['en', 'de'])
    .describe('Languages of the prompts.'),
  noise: fraction.default(0).describe('Share of mixture rows whose worked steps or answer hold an error.'),
  tagged: fraction.default(1).describe('Share of mixture rows written with the think and answer tags.'),
  languageMixing: fraction.default(0).describe('Share of mixture rows whose chain of thought switches language.'),
  preferred: fraction.default(0.5).describe('Share of mixture greetings answered in the preferred style.'),
}).describe('Synthetic data, a function of these settings and the run seed alone.');
export type GeneratorSettings = z.infer<typeof generatorSettings>;

export const dataset = withRules(
  object({
    name: name.describe('Name by which stages refer to it; shares one namespace with the stages.'),
    generator: generatorSettings.optional(),
    jsonl: path
      .optional()
      .describe(
        'A JSONL file, relative to the manifest; on a cluster it lies on one of spec.volumes. One row a line: prompt (text) or messages; completion, answer, chosen, rejected, language as needed.',
      ),
    heldOut: object({
      jsonl: path.optional().describe('A JSONL file of held-out rows.'),
      fraction: fraction
        .optional()
        .describe('Share of the rows of a JSONL dataset kept back for evaluation, chosen by a hash of the row.'),
    })
      .optional()
      .describe('Held-out rows of a JSONL dataset.'),
    domain: z
      .enum(['reasoning', 'general'])
      .optional()
      .describe('Which rewards apply; generators know theirs, JSONL rows are reasoning unless told.'),
    answer: object({
      kind: z.enum(answerKinds).default('number').describe('How a completion is compared with the gold answer.'),
      in: z
        .enum(['answerTag', 'completion'])
        .default('answerTag')
        .describe(
          'Where the answer is read: inside <answer> tags, or (number: the last one) in the text after any think block.',
        ),
    })
      .optional()
      .describe('How answers of a JSONL dataset are verified.'),
    system: z.string().max(8192).optional().describe('System message put before every prompt of this dataset.'),
  }),
  [
    exactlyOneRule(['generator', 'jsonl'], 'source'),
    {
      rule: '!has(self.heldOut) || has(self.jsonl)',
      message: 'heldOut belongs to jsonl; a generator has its own heldOut',
    },
  ],
);
export type DatasetSettings = z.infer<typeof dataset>;

/** One chat message. */
export const message = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
});
export type Message = z.infer<typeof message>;

/** A row as stages see it, whatever it came from. */
export const row = z.object({
  /** Unique within its dataset and stable over runs; random numbers and groups are keyed by it. */
  id: z.string().min(1),
  dataset: z.string(),
  domain: z.enum(['reasoning', 'general']),
  /** Language of the prompt; chains of thought are asked to keep it. */
  language: z.enum(languages).optional(),
  messages: z.array(message).min(1),
  /** What follows the rendered prompt: the target of pretrain and sft. */
  completion: z.string().optional(),
  answer: z
    .object({
      kind: z.enum(answerKinds),
      in: z.enum(['answerTag', 'completion']),
      gold: z.string(),
    })
    .optional(),
  chosen: z.string().optional(),
  rejected: z.string().optional(),
});
export type Row = z.infer<typeof row>;
