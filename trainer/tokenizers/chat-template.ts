import { Template } from '@huggingface/jinja';
import type { Message } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { refuseSkipped, refuseUnheard, type RenderOptions } from './rendering.ts';

/**
 * What templates get for `strftime_now`: the date that the Llama 3 templates fall back to. With the real one, a prompt
 * would change over night and a resumed run would end in other weights.
 */
const fixedDate: Readonly<Record<string, string>> = {
  '%d': '26',
  '%m': '07',
  '%b': 'Jul',
  '%B': 'July',
  '%Y': '2024',
  '%H': '00',
  '%M': '00',
};

/**
 * Compiles a chat template into a function that renders messages to text, with the generation prompt unless they are
 * closed.
 *
 * @param specialTokens variables of the template, such as `bos_token`
 * @param source the directory, for messages
 * @throws UserError when the template does not parse, or (on rendering) refuses the messages
 */
export function compileChatTemplate(
  template: string,
  specialTokens: Readonly<Record<string, string>>,
  source: string,
): (messages: readonly Message[], options?: RenderOptions) => string {
  const failed = (what: string, cause: unknown) =>
    new UserError(`${source}: its chat template ${what}: ${(cause as Error).message}`, { cause });
  let compiled: Template;
  try {
    // The library's own `strftime_now` cannot be replaced, so the template calls another name.
    compiled = new Template(template.replaceAll('strftime_now', 'fixed_strftime'));
  } catch (cause) {
    throw failed('does not parse', cause);
  }
  return (messages, options = {}) => {
    refuseUnheard(template, messages, options, source);
    let text: string;
    try {
      text = compiled.render({
        ...specialTokens,
        messages,
        tools: options.tools ?? null,
        documents: null,
        add_generation_prompt: options.closed !== true,
        fixed_strftime: (format: string) => format.replace(/%[a-zA-Z]/g, (field) => fixedDate[field] ?? field),
      });
    } catch (cause) {
      throw failed(`refuses messages of the roles ${messages.map(({ role }) => role).join(', ')}`, cause);
    }
    refuseSkipped(text, messages, source);
    return text;
  };
}
