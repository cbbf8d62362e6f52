import type { Message } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { openingOf } from '../../rewards/opening.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';
import type { ToldTokens } from './draft.ts';

/** A turn of the assistant whose end is looked for in what the template makes of it. */
const marker = 'r1-end-of-turn';
const before: readonly Message[] = [
  { role: 'user', content: 'r1' },
  { role: 'assistant', content: marker },
];

/**
 * What a chat template puts between a turn of the assistant and its next one, with messages in between: the rest of the first turn behind
 * what the model wrote, the messages, and the beginning of the next turn. What the model wrote is never encoded anew: its tokens stay those
 * that were sampled. Templates that change earlier turns, as Qwen3's does with thoughts, are so asked for nothing but what comes.
 *
 * @param lastId the token that ended the turn: the template's own end is left out where it is one
 * @throws UserError for a template that leaves out turns of the assistant
 */
export function toldTokens(tokenizer: Tokenizer, messages: readonly Message[], lastId: number): ToldTokens {
  const rendered = tokenizer.renderChat([...before, ...messages]);
  const end = rendered.indexOf(marker);
  if (end < 0)
    throw new UserError('its chat template leaves out what the assistant said: it has no place for further turns');
  const text = rendered.slice(end + marker.length);
  const ids = tokenizer.encode(text);
  const isEnded = tokenizer.stopIds.includes(lastId) && tokenizer.stopIds.includes(ids[0] ?? -1);
  return { ids: isEnded ? ids.slice(1) : ids, opening: openingOf(text, tokenizer.prefill) };
}
