import { z } from 'zod';
import { object } from './schema.ts';

/** How conversations become prompts, and where completions end; what is absent is as the model has it. */
export const chat = object({
  template: z
    .string()
    .min(1)
    .max(65_536)
    .optional()
    .describe("Chat template (Jinja) in place of the model's own; checkpoints carry it on."),
  arguments: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Variables of the template, such as `enable_thinking: false`.'),
  prefill: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('What stands at the end of every prompt, after the template: the completion goes on from it.'),
  stop: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(16)
    .optional()
    .describe(
      'Texts and tokens that end a completion, besides the end token. They are trained and are no part of its text. At a token sampling stops; after a text it goes on to the next end, and the rest is cut off.',
    ),
}).describe('How conversations become prompts, and where completions end.');
export type ChatSettings = z.infer<typeof chat>;
