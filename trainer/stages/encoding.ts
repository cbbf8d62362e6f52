import type { Message } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';

/** A model as far as text is concerned. */
export interface Encoder {
  readonly tokenizer: Tokenizer;
  readonly config: Pick<ModelConfig, 'maxLength'>;
}

/** Token ids of a conversation, with the generation prompt. */
export function encodePrompt({ tokenizer }: Encoder, messages: readonly Message[]): number[] {
  return tokenizer.encode(tokenizer.renderChat([...messages]));
}

/** Token ids of a completion that ends by itself. */
export function encodeCompletion({ tokenizer }: Encoder, text: string): number[] {
  return [...tokenizer.encode(text), stopIdOf(tokenizer)];
}

/** Token ids of a whole exchange, as a reward model reads it, cut at the model's context. */
export function encodeResponse(model: Encoder, messages: readonly Message[], response: string): number[] {
  return [...encodePrompt(model, messages), ...encodeCompletion(model, response)].slice(0, model.config.maxLength);
}

/** The token that ends a completion. */
export function stopIdOf({ stopIds }: Tokenizer): number {
  const [stopId] = stopIds;
  if (stopId === undefined) throw new UserError('the tokenizer names no end-of-sequence token; expected eos_token');
  return stopId;
}
