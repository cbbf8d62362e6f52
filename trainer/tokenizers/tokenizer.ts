import type { ChatSettings } from '../contract/settings/chat.ts';
import type { Message } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import type { TokenizerFacts } from './open-tokenizer.ts';
import type { RenderOptions } from './rendering.ts';
import { TokenizerThread } from './tokenizer-thread.ts';

/** Text to token ids and back, as the model's Hugging Face directory defines it. */
export interface Tokenizer extends TokenizerFacts {
  /**
   * Ids of a text; special tokens in it are recognised and none is added, so that texts can be joined.
   *
   * @throws UserError for a text that cannot be represented: half of a surrogate pair, or nothing that has a token
   */
  readonly encode: (text: string) => number[];
  /**
   * Text of some ids without the control tokens (begin, end, pad, roles), with everything else as the model wrote it,
   * tags included. Ids without a token (an embedding may have spare rows) have no text.
   */
  readonly decode: (ids: readonly number[]) => string;
  /**
   * Text of a conversation up to and with the start of the assistant's next turn and the prefill, unless it is closed: what
   * a completion follows. Without a chat template: the contents, a blank line between two, after the begin token if the
   * tokenizer puts one. Without messages: what a document begins with.
   *
   * @throws UserError when the template refuses the messages, has no place for tools that they need, or does not end
   */
  readonly renderChat: (messages: readonly Message[], options?: RenderOptions) => string;
  /** Ends its thread; it cannot be used any more. */
  readonly close: () => Promise<void>;
}

/**
 * Loads the tokenizer of a Hugging Face directory, into a thread of its own: its patterns and templates come from
 * outside and are bounded in time and memory.
 *
 * @throws UserError when it is missing or broken, or has no end token
 */
export async function loadTokenizer(directory: string, chat: ChatSettings = {}): Promise<Tokenizer> {
  const thread = await TokenizerThread.start({ directory, chat });
  return {
    ...thread.call('facts', undefined, 0),
    encode(text) {
      requireWellFormed(text);
      const ids = thread.call('encode', text, text.length);
      if (ids.length === 0 && /\S/.test(text))
        throw new UserError(`${directory}: its tokenizer has no token for any character of ${excerpt(text)}`);
      return ids;
    },
    decode: (ids) => (ids.length === 0 ? '' : thread.call('decode', ids, ids.length)),
    renderChat: (messages, options = {}) => {
      const size = messages.reduce((sum, { content }) => sum + content.length, 0);
      return thread.call('render', { messages, options }, size);
    },
    close: () => thread.close(),
  };
}

/**
 * Refuses a tokenizer with ids for which the model has no embedding.
 *
 * @param embeddingRows rows of the token embedding, `vocab_size` of the config
 * @param source the directory, for the message
 */
export function checkVocabulary(tokenizer: TokenizerFacts, embeddingRows: number, source: string): void {
  if (tokenizer.vocabularySize > embeddingRows)
    throw new UserError(
      `${source}: its tokenizer has ids up to ${tokenizer.vocabularySize - 1}, but the embedding has only ${embeddingRows} rows (vocab_size in config.json)`,
    );
  const stop = tokenizer.stopIds.find((id) => id >= embeddingRows);
  if (stop !== undefined)
    throw new UserError(`${source}: its end token ${stop} is outside the embedding of ${embeddingRows} rows`);
}

/** Half of a pair has no UTF-8, so that it would be trained as another character. */
function requireWellFormed(text: string): void {
  if (text.isWellFormed()) return;
  const at = text.search(/\p{Cs}/u);
  const code = text.charCodeAt(at).toString(16).toUpperCase();
  throw new UserError(
    `the text has half of a surrogate pair, U+${code}, at character ${at}: ${excerpt(text.slice(Math.max(0, at - 20)))}; expected whole characters`,
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
