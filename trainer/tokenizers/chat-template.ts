import { Environment, parse, tokenize } from '@huggingface/jinja';
import type { Message } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import { formatFixedDate } from './fixed-date.ts';
import { refuseSkipped, refuseUnheard, type RenderOptions } from './rendering.ts';
import { requireLoops, TemplateInterpreter } from './template-interpreter.ts';

/** Longest text of a conversation, in UTF-16 units. */
const mostCharacters = 1 << 24;

/** Longest list of `range`, as in Jinja's own sandbox. */
const longestRange = 100_000;

/**
 * Compiles a chat template into a function that renders messages to text, with the generation prompt unless they are
 * closed.
 *
 * @param variables of the template, such as `bos_token` or `enable_thinking`
 * @param source the directory, for messages
 * @throws UserError when a variable is one that the trainer sets, the template does not parse, or (on rendering) refuses the messages
 */
export function compileChatTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
  source: string,
): (messages: readonly Message[], options?: RenderOptions) => string {
  const failed = (what: string, cause: unknown) =>
    new UserError(`${source}: its chat template ${what}: ${(cause as Error).message}`, { cause });
  const taken = takenName(variables);
  if (taken !== undefined) throw new UserError(`chat.arguments: ${taken}`);
  let program: ReturnType<typeof parse>;
  try {
    program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    requireLoops(program);
  } catch (cause) {
    throw failed('does not parse', cause);
  }
  return (messages, options = {}) => {
    refuseUnheard(template, messages, options, source);
    let text: string;
    try {
      const scope = new Environment();
      const values = {
        tools: null,
        documents: null,
        ...variables,
        ...options.variables,
        ...(options.tools && { tools: options.tools }),
        messages,
        add_generation_prompt: options.closed !== true,
      };
      for (const [name, value] of Object.entries({ ...values, ...globals })) scope.set(name, value);
      ({ value: text } = new TemplateInterpreter(scope).run(program) as { readonly value: string });
      if (text.length > mostCharacters) throw new RangeError(`it wrote more than ${mostCharacters} characters`);
    } catch (cause) {
      throw failed(`refuses messages of the roles ${messages.map(({ role }) => role).join(', ')}`, cause);
    }
    refuseSkipped(text, messages, source);
    return text;
  };
}

const globals = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: boundedRange,
  strftime_now: formatFixedDate,
  raise_exception(message: string): never {
    throw new Error(message);
  },
};

/** What is wrong with the names of a template's variables: some have their value from here. */
export function takenName(variables: Readonly<Record<string, unknown>>): string | undefined {
  const ours = ['messages', 'add_generation_prompt', ...Object.keys(globals)];
  const taken = ours.find((name) => Object.hasOwn(variables, name));
  return taken === undefined ? undefined : `"${taken}" is set by the trainer, choose another name`;
}

/** Python's `range`. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new Error('range() has a step of 0');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > longestRange) throw new RangeError(`range() of ${length} numbers, at most ${longestRange}`);
  return Array.from({ length }, (_, index) => start + index * step);
}
