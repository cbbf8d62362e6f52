import { z } from 'zod';
import { languages } from './languages.ts';
import { ownVerifier } from './own-functions.ts';
import { rowOrigin } from './row-origin.ts';
import { count, exactlyOneRule, fraction, name, object, path, positiveInt, withRules } from './schema.ts';

export { languages, type Language } from './languages.ts';

/** Languages that the generators write. */
export const generatorLanguages = ['en', 'de'] as const;
export type GeneratorLanguage = (typeof generatorLanguages)[number];

/** How the answer of a row is checked. `pattern` is a regular expression on the final summary (after the think block). */
export const answerKinds = [
  'number',
  'math',
  'quantity',
  'choice',
  'logic',
  'exact',
  'list',
  'graded',
  'pattern',
  'code',
  'jsonSchema',
  'toolCall',
  'cited',
] as const;

/** Kinds whose gold answer may be an object, which a row keeps as its JSON text. */
export const structuredKinds: readonly (typeof answerKinds)[number][] = [
  'quantity',
  'choice',
  'logic',
  'graded',
  'code',
  'jsonSchema',
  'toolCall',
  'cited',
];

/** The kind of a row whose dataset has a verifier of one's own; no manifest names it. */
export const ownKind = 'own';

/** Where the answer of a completion is read. */
export const answerPlaces = ['answerTag', 'completion'] as const;

export const generatorSettings = object({
  task: z
    .enum(['mixture', 'addition', 'facts', 'greetings', 'preferences', 'safety'])
    .describe(
      'mixture: documents for pre-training; addition, facts, greetings: prompts with checkable answers; preferences: chosen/rejected pairs; safety: answers to greetings, labelled good or bad by what their chain of thought is up to.',
    ),
  rows: positiveInt.default(2000).describe('Rows for training.'),
  heldOut: count.default(0).describe('Further rows, disjoint from the training rows, used by evaluation alone.'),
  digits: z.int().min(1).max(4).default(2).describe('Digits of the largest operand.'),
  languages: z
    .array(z.enum(generatorLanguages))
    .min(1)
    .max(generatorLanguages.length)
    .default(['en', 'de'])
    .describe('Languages of the prompts.'),
  noise: fraction.default(0).describe('Share of mixture rows whose worked steps or answer hold an error.'),
  tagged: fraction.default(1).describe('Share of mixture rows written with the think and answer tags.'),
  languageMixing: fraction.default(0).describe('Share of mixture rows whose chain of thought switches language.'),
  preferred: fraction.default(0.5).describe('Share of mixture greetings answered in the preferred style.'),
}).describe('Synthetic data, a function of these settings and the run seed alone.');
export type GeneratorSettings = z.infer<typeof generatorSettings>;

/** The name of a column in somebody's file. */
function column(what: string) {
  return z.string().min(1).max(200).optional().describe(`The column with ${what}; dots lead into objects.`);
}

export const dataset = withRules(
  object({
    name: name.describe('Name by which stages refer to it; shares one namespace with the stages.'),
    generator: generatorSettings.optional(),
    file: path
      .optional()
      .describe(
        'A JSONL or Parquet file, relative to the manifest; on a cluster it lies on one of spec.volumes. Its rows are in any of the forms of docs/reference/datasets.md.',
      ),
    columns: object({
      prompt: column('the prompt: text or messages'),
      messages: column('a conversation'),
      text: column('a document without roles'),
      completion: column('what follows the prompt'),
      answer: column('the gold answer'),
      chosen: column('the better answer'),
      rejected: column('the worse answer'),
      margin: column('by how much the better answer is better'),
      label: column('whether the completion is good: true or false, 1 or 0'),
      language: column('the language of the prompt'),
      system: column('the system message'),
      tools: column('what the assistant may call'),
    })
      .optional()
      .describe('Which columns of a file hold what, where they are named otherwise.'),
    heldOut: object({
      file: path.optional().describe('A JSONL or Parquet file of held-out rows.'),
      fraction: fraction
        .optional()
        .describe('Share of the rows of the file kept back for evaluation, chosen by a hash of the row.'),
    })
      .optional()
      .describe('Held-out rows of a dataset with a file.'),
    domain: z
      .enum(['reasoning', 'general'])
      .optional()
      .describe('Which rewards apply; generators know theirs, rows of files are reasoning unless told.'),
    answer: object({
      kind: z
        .enum(answerKinds)
        .default('number')
        .describe('How a completion is compared with the gold answer: docs/reference/answers.md.'),
      in: z
        .enum(answerPlaces)
        .default('answerTag')
        .describe(
          'Where the answer is read: inside <answer> tags, or in the text after any think block: the last box, for number else the last number.',
        ),
      verifier: ownVerifier
        .optional()
        .describe(
          "A file or a service of one's own that compares instead, whatever kind and in say: docs/reference/answers.md.",
        ),
    })
      .optional()
      .describe('How answers of a dataset with a file are verified.'),
    system: z.string().max(8192).optional().describe('System message put before every prompt of this dataset.'),
  }),
  [
    exactlyOneRule(['generator', 'file'], 'source'),
    {
      rule: '!has(self.heldOut) || has(self.file)',
      message: 'heldOut belongs to a file; a generator has its own heldOut',
    },
    { rule: '!has(self.columns) || has(self.file)', message: 'columns belong to a file' },
  ],
);
export type DatasetSettings = z.infer<typeof dataset>;

/** Who speaks in a chat; a template decides which of them it knows. */
export const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

/** A JSON schema that describes what the assistant may call, as chat templates get it. */
export const tool = z.record(z.string(), z.unknown());
export type Tool = z.infer<typeof tool>;

/** One call, with the names that chat templates look for. */
export const toolCall = z.object({
  id: z.string().optional(),
  type: z.literal('function'),
  function: z.object({ name: z.string().min(1), arguments: z.record(z.string(), z.unknown()) }),
});
export type ToolCall = z.infer<typeof toolCall>;

/** One chat message, with the names that chat templates look for. */
export const message = z.object({
  role: z.enum(roles),
  content: z.string(),
  /** Of a tool: which one answers. */
  name: z.string().optional(),
  tool_calls: z.array(toolCall).min(1).optional(),
  tool_call_id: z.string().optional(),
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
  /** The prompt; empty where the completion is a document without roles, around which no template is put. */
  messages: z.array(message),
  /** What the assistant may call. */
  tools: z.array(tool).min(1).optional(),
  /** What follows the rendered prompt: the target of pretrain and sft. */
  completion: z.string().optional(),
  /** Calls that end the completion; the chat template says how they are written. */
  toolCalls: z.array(toolCall).min(1).optional(),
  answer: z
    .object({
      kind: z.enum([...answerKinds, ownKind]),
      in: z.enum(answerPlaces),
      /** Empty where a verifier of one's own compares with nothing. */
      gold: z.string(),
    })
    .optional(),
  chosen: z.string().optional(),
  rejected: z.string().optional(),
  /** By how much the chosen answer should score higher. */
  margin: z.number().optional(),
  /** Whether the completion is good. */
  label: z.boolean().optional(),
  /** What else the row of a file has, for functions of one's own: its fields but `prompt` and `completion`, under the names that they have there. */
  columns: z.record(z.string(), z.unknown()).optional(),
  /** Where it is from, if a sample stage kept it and nobody has edited it. */
  origin: rowOrigin.optional(),
});
export type Row = z.infer<typeof row>;
