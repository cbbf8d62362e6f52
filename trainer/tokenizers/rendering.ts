import type { Message, Tool } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';

export interface RenderOptions {
  /** What the assistant may call. */
  readonly tools?: readonly Tool[] | undefined;
  /** The conversation ends with the assistant's turn, and no further one begins. */
  readonly closed?: boolean;
  /** Variables of the template, over those that it was compiled with; without a template they mean nothing. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

const remedy = 'chat.template or chat.templateFile gives another template';

/** Whether a template has a name of a variable or field in it. */
export function speaksOf(template: string | undefined, what: 'tools' | 'tool_calls'): boolean {
  return template?.includes(what) ?? false;
}

/**
 * Refuses what a template would leave out without a word.
 *
 * @param template undefined where the tokenizer has none
 * @param source the directory, for messages
 * @throws UserError
 */
export function refuseUnheard(
  template: string | undefined,
  messages: readonly Message[],
  { tools }: RenderOptions,
  source: string,
): void {
  const refuse = (what: string): never => {
    const which = template === undefined ? 'without a chat template it' : 'its chat template';
    throw new UserError(`${source}: ${which} ${what}; ${remedy}`);
  };
  if (tools !== undefined && !speaksOf(template, 'tools')) refuse('says nothing of tools, which the row has');
  if (messages.some(({ tool_calls: calls }) => calls !== undefined) && !speaksOf(template, 'tool_calls')) {
    refuse('writes no tool calls (tool_calls), which a message has');
  }
}

/** The same after rendering: the template of Qwen 2 and 3 skips roles that it does not know. @throws UserError */
export function refuseSkipped(rendered: string, messages: readonly Message[], source: string): void {
  const skipped = messages.find(({ role, content }) => role === 'developer' && !rendered.includes(content.trim()));
  if (skipped !== undefined)
    throw new UserError(`${source}: its chat template leaves out messages of the role developer; ${remedy}`);
}
