import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import type { ChatSettings } from '../contract/settings/chat.ts';
import type { Message } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import { installAddedTokens } from './added-tokens.ts';
import { type Decoder, repairByteFallback } from './byte-fallback.ts';
import { compileChatTemplate } from './chat-template.ts';
import { checkTokenizer } from './check-tokenizer.ts';
import { faithfulDecoder } from './decoder.ts';
import { faithfulNormalizer } from './normalizer.ts';
import { faithfulPreTokenizer } from './pre-tokenizer.ts';
import { pieceText } from './piece-text.ts';
import { refuseUnheard, type RenderOptions, speaksOf } from './rendering.ts';
import { stopPieces } from './stop-pieces.ts';
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';

export interface TokenizerFacts {
  /** Highest id plus one; the embedding must have at least as many rows. */
  readonly vocabularySize: number;
  /** Ids that end a completion; the first is the tokenizer's own end token, which training appends. */
  readonly stopIds: number[];
  /** What ends a completion besides: ids of tokens, and texts that are none. */
  readonly stop: {
    readonly ids: readonly number[];
    readonly texts: readonly string[];
    /** What tokens write that can be part of the texts; absent where tokens write otherwise in a row than alone. */
    readonly pieces?: readonly (readonly [id: number, text: string])[];
  };
  /** What every prompt ends with, after the template. */
  readonly prefill: string;
  readonly padId: number;
  readonly bosId?: number;
  /** Its chat template has a place for what the assistant may call. */
  readonly knowsTools: boolean;
  /** SHA-256 of the chat template, so that lineage shows which one a model was trained with. */
  readonly templateDigest: string;
}

/** A tokenizer in the thread where it was opened. */
export interface OpenTokenizer {
  readonly facts: TokenizerFacts;
  readonly encode: (text: string) => number[];
  readonly decode: (ids: readonly number[]) => string;
  readonly render: (messages: readonly Message[], options?: RenderOptions) => string;
}

/** Some models have them as special tokens; they are text all the same, which rewards and readers look for. */
const responseTags = new Set(['<think>', '</think>', '<answer>', '</answer>']);

/**
 * Opens the tokenizer of a Hugging Face directory in this thread, where its patterns and templates may run for ever.
 *
 * @throws UserError when it is missing, broken, not one that PyPI `tokenizers` opens or that is split as there, or has
 *   no end token
 */
export async function openTokenizer(directory: string, chat: ChatSettings): Promise<OpenTokenizer> {
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
  const controlIds = new Set([
    ...files.tokenizer.added_tokens
      .filter(({ special, content }) => special && !responseTags.has(content))
      .map(({ id }) => id),
    ...Object.keys(files.specialTokens).map(idOf),
  ]);
  const template = chat.template ?? files.chatTemplate;
  const bosText = putsBos(library, bosId) ? (files.specialTokens['bos_token'] ?? '') : '';
  const renderTemplate =
    template === undefined
      ? undefined
      : compileChatTemplate(template, { ...files.specialTokens, ...chat.arguments }, directory);

  const decode = (ids: readonly number[]): string => {
    const written = ids.filter((id) => !controlIds.has(id) && library.id_to_token(id) !== undefined);
    // Cleaning up would change the text that was written ("a ." → "a."), so that it would no longer have these ids.
    return written.length === 0 ? '' : library.decode(written, { clean_up_tokenization_spaces: false });
  };
  const size = vocabularySize(library);

  return {
    facts: {
      vocabularySize: size,
      stopIds,
      stop: stopOf(chat.stop ?? [], files, decode, size),
      prefill: chat.prefill ?? '',
      padId: idOf('pad_token') ?? files.modelIds.pad[0] ?? stopIds[0],
      ...(bosId !== undefined && { bosId }),
      knowsTools: template !== undefined && speaksOf(template, 'tools'),
      templateDigest: createHash('sha256')
        .update(template ?? '')
        .digest('hex'),
    },
    encode: (text) => library.encode(text, { add_special_tokens: false }).ids,
    decode,
    render(messages, options = {}) {
      const prefill = messages.length === 0 || options.closed === true ? '' : (chat.prefill ?? '');
      if (messages.length > 0 && renderTemplate !== undefined) return renderTemplate(messages, options) + prefill;
      refuseUnheard(undefined, messages, options, directory);
      return bosText + messages.map(({ content }) => content).join('\n\n') + prefill;
    },
  };
}

/** Texts that are added tokens stop by their ids; pieces of the vocabulary may be hidden in longer ones. */
function stopOf(
  stop: readonly string[],
  { tokenizer }: TokenizerFiles,
  decode: OpenTokenizer['decode'],
  size: number,
): TokenizerFacts['stop'] {
  const added = new Map(tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  const ids = stop.flatMap((text) => added.get(text) ?? []);
  const texts = stop.filter((text) => !added.has(text));
  const pieceOf = texts.length === 0 ? undefined : pieceText(texts, tokenizer['decoder'], decode, size);
  const pieces = pieceOf && stopPieces(texts, pieceOf, size);
  return { ids, texts, ...(pieces && { pieces }) };
}

function openLibrary({ tokenizer, config }: TokenizerFiles, directory: string): HfTokenizer {
  const source = join(directory, 'tokenizer.json');
  checkTokenizer(tokenizer, source);
  const faithful = {
    ...tokenizer,
    normalizer: faithfulNormalizer(tokenizer['normalizer'], source),
    pre_tokenizer: faithfulPreTokenizer(tokenizer['pre_tokenizer'], source),
    decoder: faithfulDecoder(tokenizer['decoder'], source),
    // The library strips and matches them in another way: `installAddedTokens` does it.
    added_tokens: tokenizer.added_tokens.map((token) => ({ ...token, lstrip: false, rstrip: false })),
  };
  try {
    const library = new HfTokenizer(faithful, { eos_token: config['eos_token'] });
    installAddedTokens(library, tokenizer.added_tokens);
    repairByteFallback(library.decoder as Decoder | null);
    library.encode('a'); // some faults show only in use
    return library;
  } catch (cause) {
    throw new UserError(`${source}: is not a tokenizer that can be used: ${(cause as Error).message}`, { cause });
  }
}

function vocabularySize(library: HfTokenizer): number {
  let size = 0;
  for (const id of (library.get_vocab() as Map<string, number>).values()) size = Math.max(size, id + 1);
  return size;
}

/** Whether the tokenizer, asked for special tokens, puts the begin token before a text. */
function putsBos(library: HfTokenizer, bosId: number | undefined): boolean {
  return bosId !== undefined && library.encode('a').ids[0] === bosId;
}
