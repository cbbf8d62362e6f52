import type { Message } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { continuationOf, openingOf } from '../rewards/opening.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';

/** A model as far as text is concerned. */
export interface Encoder {
  readonly tokenizer: Tokenizer;
  readonly config: Pick<ModelConfig, 'maxLength'>;
}

export interface EncodedPrompt {
  /** Token ids of a conversation, with the generation prompt. */
  readonly ids: number[];
  /** What the prompt already has of the response, such as a tag that opens the chain of thought. */
  readonly opening: string;
}

export function encodePrompt({ tokenizer }: Encoder, messages: readonly Message[]): EncodedPrompt {
  const prompt = tokenizer.renderChat([...messages]);
  return { ids: tokenizer.encode(prompt), opening: openingOf(prompt) };
}

/** A prompt and the response to it, joined so that the response goes on where the prompt ends. */
export interface EncodedExchange {
  readonly promptIds: number[];
  /** Token ids of a completion that ends by itself. */
  readonly completionIds: number[];
}

export function encodeExchange(model: Encoder, messages: readonly Message[], response: string): EncodedExchange {
  const { ids, opening } = encodePrompt(model, messages);
  const { tokenizer } = model;
  const completion = continuationOf(response, opening);
  return { promptIds: ids, completionIds: [...tokenizer.encode(completion), stopIdOf(tokenizer)] };
}

/** Token ids of a whole exchange, as a reward model reads it, cut at the model's context. */
export function encodeResponse(model: Encoder, messages: readonly Message[], response: string): number[] {
  const { promptIds, completionIds } = encodeExchange(model, messages, response);
  return [...promptIds, ...completionIds].slice(0, model.config.maxLength);
}

/** The token that ends a completion. */
export function stopIdOf({ stopIds }: Tokenizer): number {
  const [stopId] = stopIds;
  if (stopId === undefined) throw new UserError('the tokenizer names no end-of-sequence token; expected eos_token');
  return stopId;
}
