import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import type { Message } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { compileChatTemplate } from './chat-template.ts';
import { faithfulPreTokenizer } from './pre-tokenizer.ts';
import { refuseUnheard, type RenderOptions } from './rendering.ts';
import { readTokenizerFiles } from './tokenizer-files.ts';
import type { TokenizerFiles } from './tokenizer-files.ts';

/** Text to token ids and back, as the model's Hugging Face directory defines it. */
export interface Tokenizer {
  /** Highest id plus one; the embedding must have at least as many rows. */
  readonly vocabularySize: number;
  /** Ids that end a completion; the first is the tokenizer's own end token, which training appends. */
  readonly stopIds: number[];
  readonly padId: number;
  readonly bosId?: number;
  /** Ids of a text; special tokens in it are recognised and none is added, so that texts can be joined. */
  readonly encode: (text: string) => number[];
  /**
   * Text of some ids without the control tokens (begin, end, pad, roles), with everything else as the model wrote it,
   * tags included. Ids without a token (an embedding may have spare rows) have no text.
   */
  readonly decode: (ids: readonly number[]) => string;
  /**
   * Text of a conversation up to and with the start of the assistant's next turn, unless it is closed. Without a chat
   * template: the contents, a blank line between two, after the begin token if the tokenizer puts one. Without messages:
   * what a document begins with.
   *
   * @throws UserError when the template refuses the messages, or has no place for tools that they need
   */
  readonly renderChat: (messages: readonly Message[], options?: RenderOptions) => string;
  /** Files of the directory that the tokenizer was read from. */
  readonly fileNames: string[];
  /** SHA-256 of the chat template, so that lineage shows which one a model was trained with. */
  readonly templateDigest: string;
}

/**
 * Loads the tokenizer of a Hugging Face directory.
 *
 * @throws UserError when it is missing or broken, or has no end token
 */
export async function loadTokenizer(directory: string): Promise<Tokenizer> {
  const files = await readTokenizerFiles(directory);
  const library = openLibrary(files, directory);
  const idOf = (role: string): number | undefined => {
    const token = files.specialTokens[role];
    return token === undefined ? undefined : library.token_to_id(token);
  };
  const eosId = idOf('eos_token');
  const stopIds = [...new Set([...(eosId === undefined ? [] : [eosId]), ...files.modelIds.eos])];
  if (stopIds[0] === undefined)
    throw new UserError(
      `${directory}: its tokenizer has no end token: neither eos_token in tokenizer_config.json nor eos_token_id in generation_config.json or config.json`,
    );
  const bosId = idOf('bos_token') ?? files.modelIds.bos[0];
  const padId = idOf('pad_token') ?? files.modelIds.pad[0] ?? stopIds[0];

  const controlIds = new Set([
    ...files.tokenizer.added_tokens
      .filter(({ special, content }) => special && !responseTags.has(content))
      .map(({ id }) => id),
    ...Object.keys(files.specialTokens).map(idOf),
  ]);
  const bosText = putsBos(library, bosId) ? (files.specialTokens['bos_token'] ?? '') : '';
  const renderTemplate =
    files.chatTemplate === undefined
      ? undefined
      : compileChatTemplate(files.chatTemplate, files.specialTokens, directory);
  const renderChat: Tokenizer['renderChat'] = (messages, options = {}) => {
    if (messages.length > 0 && renderTemplate !== undefined) return renderTemplate(messages, options);
    refuseUnheard(undefined, messages, options, directory);
    return bosText + messages.map(({ content }) => content).join('\n\n');
  };

  return {
    vocabularySize: [...library.get_vocab().values()].reduce((most, id) => Math.max(most, id + 1), 0),
    stopIds,
    padId,
    ...(bosId !== undefined && { bosId }),
    encode: (text) => library.encode(text, { add_special_tokens: false }).ids,
    decode(ids) {
      const written = ids.filter((id) => !controlIds.has(id) && library.id_to_token(id) !== undefined);
      // Cleaning up would change the text that was written ("a ." → "a."), so that it would no longer have these ids.
      return written.length === 0 ? '' : library.decode(written, { clean_up_tokenization_spaces: false });
    },
    renderChat,
    fileNames: files.fileNames,
    templateDigest: createHash('sha256')
      .update(files.chatTemplate ?? '')
      .digest('hex'),
  };
}

/** Some models have them as special tokens; they are text all the same, which rewards and readers look for. */
const responseTags = new Set(['<think>', '</think>', '<answer>', '</answer>']);

/**
 * Refuses a tokenizer with ids for which the model has no embedding.
 *
 * @param embeddingRows rows of the token embedding, `vocab_size` of the config
 * @param source the directory, for the message
 */
export function checkVocabulary(tokenizer: Tokenizer, embeddingRows: number, source: string): void {
  if (tokenizer.vocabularySize > embeddingRows)
    throw new UserError(
      `${source}: its tokenizer has ids up to ${tokenizer.vocabularySize - 1}, but the embedding has only ${embeddingRows} rows (vocab_size in config.json)`,
    );
  const stop = tokenizer.stopIds.find((id) => id >= embeddingRows);
  if (stop !== undefined)
    throw new UserError(`${source}: its end token ${stop} is outside the embedding of ${embeddingRows} rows`);
}

function openLibrary({ tokenizer, config }: TokenizerFiles, directory: string): HfTokenizer {
  const source = join(directory, 'tokenizer.json');
  const preTokenizer = faithfulPreTokenizer(tokenizer['pre_tokenizer'], source);
  try {
    const library = new HfTokenizer({ ...tokenizer, pre_tokenizer: preTokenizer }, config);
    library.encode('a'); // some faults show only in use
    return library;
  } catch (cause) {
    throw new UserError(`${source}: is not a tokenizer that can be used: ${(cause as Error).message}`, { cause });
  }
}

/** Whether the tokenizer, asked for special tokens, puts the begin token before a text. */
function putsBos(library: HfTokenizer, bosId: number | undefined): boolean {
  return bosId !== undefined && library.encode('a').ids[0] === bosId;
}
