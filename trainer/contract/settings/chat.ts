import { z } from 'zod';
import { object, path, withRules } from './schema.ts';

/** Characters of a chat template; the longest of published models have a quarter of it. */
export const longestTemplate = 65_536;

/** How conversations become prompts, and where completions end; what is absent is as the model has it. */
export const chat = withRules(
  object({
    template: z
      .string()
      .min(1)
      .max(longestTemplate)
      .optional()
      .describe("Chat template (Jinja) in place of the model's own; checkpoints carry it on."),
    templateFile: path
      .optional()
      .describe(
        'A file with the chat template instead, relative to the manifest; on a cluster it lies on one of spec.volumes.',
      ),
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
  }),
  [
    {
      rule: '!has(self.template) || !has(self.templateFile)',
      message: 'template and templateFile both give the chat template: leave one of them out',
    },
  ],
).describe('How conversations become prompts, and where completions end.');
export type ChatSettings = z.infer<typeof chat>;

/** A stage's own settings over those of defaults, field by field; text and file of a template are one field. */
export function chatOver(defaults: ChatSettings | undefined, own: ChatSettings | undefined): ChatSettings {
  const { template, templateFile, ...others } = defaults ?? {};
  const hasTemplate = own?.template !== undefined || own?.templateFile !== undefined;
  const inherited = {
    ...(template !== undefined && { template }),
    ...(templateFile !== undefined && { templateFile }),
  };
  return { ...others, ...(hasTemplate ? {} : inherited), ...own };
}
