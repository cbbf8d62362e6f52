import { Option, InvalidArgumentError } from 'commander';
import { repeatable } from './options.ts';

export interface ChatOptions {
  readonly templateArgument?: Readonly<Record<string, unknown>>;
  readonly prefill?: string;
  readonly stop?: readonly string[];
}

/** What `chat` is in a manifest, as options. */
export function chatOptions(): Option[] {
  return [
    new Option(
      '--template-argument <name=value>',
      'variable of the chat template, its value as JSON or text; repeatable',
    ).argParser(withArgument),
    new Option('--prefill <text>', 'what stands at the end of the prompt'),
    new Option('--stop <text>', 'token or text that ends a completion; repeatable').argParser(repeatable),
  ];
}

/** The option of the trainer that stands for them; none where they are not used. */
export function trainerChatOption({ templateArgument, prefill, stop }: ChatOptions): string[] {
  const chat = { arguments: templateArgument, prefill, stop };
  return Object.values(chat).every((value) => value === undefined) ? [] : [`--chat=${JSON.stringify(chat)}`];
}

function withArgument(text: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value, such as enable_thinking=false.');
  return { ...before, [text.slice(0, at)]: jsonOr(text.slice(at + 1)) };
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
