import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { ModelConfig } from '../../models/config.ts';
import { continuationOf, openingOf } from '../../rewards/opening.ts';
import type { RenderOptions } from '../../tokenizers/rendering.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';

/** A model as far as text is concerned. */
export interface Encoder {
  readonly tokenizer: Tokenizer;
  readonly config: Pick<ModelConfig, 'maxLength'>;
}

/** A row as far as its prompt is concerned. */
export type Prompt = Pick<Row, 'messages' | 'tools'>;

/** A row as far as it is trained; a completion is there. */
export type Exchange = Prompt & Pick<Row, 'completion' | 'toolCalls'>;

export interface EncodedPrompt {
  /** Token ids of a conversation, with the generation prompt. */
  readonly ids: number[];
  /** What the prompt already has of the response, such as a tag that opens the chain of thought. */
  readonly opening: string;
}

/** @param variables of the chat template, over those of the model */
export function encodePrompt(
  { tokenizer }: Encoder,
  { messages, tools }: Prompt,
  variables?: RenderOptions['variables'],
): EncodedPrompt {
  const prompt = tokenizer.renderChat(messages, { tools, variables });
  const prefill = messages.length === 0 ? '' : tokenizer.prefill; // a document has none
  return { ids: tokenizer.encode(prompt), opening: openingOf(prompt, prefill) };
}

/** A prompt and the response to it, joined so that the response goes on where the prompt ends. */
export interface EncodedExchange {
  readonly promptIds: number[];
  /** Token ids of a completion that ends by itself. */
  readonly completionIds: number[];
}

export function encodeExchange(model: Encoder, exchange: Exchange): EncodedExchange {
  const { completion = '', toolCalls } = exchange;
  const { ids, opening } = encodePrompt(model, exchange);
  if (toolCalls !== undefined) return { promptIds: ids, completionIds: encodeToolCalls(model, exchange, opening) };
  const { tokenizer } = model;
  return {
    promptIds: ids,
    completionIds: [...tokenizer.encode(continuationOf(completion, opening)), stopIdOf(tokenizer)],
  };
}

/** What the assistant says and calls, as the chat template writes it after the generation prompt. */
function encodeToolCalls(
  { tokenizer }: Encoder,
  { messages, tools, completion = '', toolCalls }: Exchange,
  opening: string,
): number[] {
  const prompt = tokenizer.renderChat(messages, { tools });
  const before = prompt.slice(0, prompt.length - opening.length);
  const turn = { role: 'assistant' as const, content: completion, tool_calls: toolCalls };
  const whole = tokenizer.renderChat([...messages, turn], { tools, closed: true });
  if (!whole.startsWith(before)) {
    throw new UserError(
      'its chat template writes a turn with tool calls otherwise than it lets the assistant begin one',
    );
  }
  const ids = tokenizer.encode(continuationOf(whole.slice(before.length), opening).trimEnd());
  const end = ids.findIndex((id) => tokenizer.stopIds.includes(id));
  return end < 0 ? [...ids, stopIdOf(tokenizer)] : ids.slice(0, end + 1);
}

/** The token that ends a completion. */
export function stopIdOf({ stopIds }: Tokenizer): number {
  const [stopId] = stopIds;
  if (stopId === undefined) throw new UserError('the tokenizer names no end-of-sequence token; expected eos_token');
  return stopId;
}
