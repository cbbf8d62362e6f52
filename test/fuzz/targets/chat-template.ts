import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { compileChatTemplate } from '../../../trainer/tokenizers/chat-template.ts';
import { damagedBytes } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const golden = new URL('../../fixtures/templates/golden.json', import.meta.url);
const { templates } = JSON.parse(readFileSync(golden, 'utf8')) as {
  readonly templates: { readonly template: string }[];
};

/** What templates are made of, to be put together in any order. */
const pieces = templates
  .flatMap(({ template }) => template.split(/(\{%-?|-?%\}|\{\{|\}\}|\||\s+|[()[\],.'])/))
  .filter(Boolean);

/** A chat template, compiled and used. */
export const chatTemplate: FuzzTarget = {
  name: 'chat_template.jinja',
  mostMiB: 800,
  mayRunForEver: true,
  inputs: () =>
    fc.oneof(
      damagedBytes(templates.map(({ template }) => Buffer.from(template))),
      fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''))),
    ),
  open: () =>
    Promise.resolve({
      read(input) {
        const render = compileChatTemplate(Buffer.from(input).toString('utf8'), { bos_token: '<s>' }, 'base');
        return render([
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'What is 3 + 4? größer\n' },
        ]);
      },
    }),
};
