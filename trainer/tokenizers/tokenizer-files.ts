import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';
import { readInputText, readJsonObject } from '../contract/files/input-file.ts';
import { shown } from '../contract/process/shown.ts';
import { characterTokenizer } from './character-tokenizer.ts';

/** The largest published `tokenizer.json` has 35 MB. */
const mostBytes = 256 << 20;

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Control token: not for readers. */
  readonly special?: boolean;
  /** Looked for in the normalised text; `!special` when absent. */
  readonly normalized?: boolean;
  /** Not found inside a word. */
  readonly single_word?: boolean;
  /** Takes the white space before it, or after it. */
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** `tokenizer.json` as far as it is looked at here; the tokenizer library reads the rest. */
export interface TokenizerJson extends Record<string, unknown> {
  readonly added_tokens: readonly AddedToken[];
}

/** What the files of a directory say about its tokenizer, in one shape. */
export interface TokenizerFiles {
  readonly tokenizer: TokenizerJson;
  readonly config: Record<string, unknown>;
  /** Texts by role: `bos_token`, `eos_token`, `pad_token` … as far as they are set. */
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly chatTemplate: string | undefined;
  /** Ids of `generation_config.json`, or of `config.json` where that has none. */
  readonly modelIds: {
    readonly bos: readonly number[];
    readonly eos: readonly number[];
    readonly pad: readonly number[];
  };
}

/**
 * Reads the tokenizer files of a directory in the variants that exist in the wild.
 *
 * @throws UserError when there is no tokenizer, or a file is broken
 */
export async function readTokenizerFiles(directory: string): Promise<TokenizerFiles> {
  const object = async (name: string) => readJsonObject(join(directory, name), mostBytes);
  const config = (await object('tokenizer_config.json')) ?? {};
  const specialTokens = namedTokens({ ...(await object('special_tokens_map.json')), ...config });
  const tokenizer =
    (await object('tokenizer.json')) ?? characterTokenizer(await object('vocab.json'), specialTokens, directory);
  const models = [await object('generation_config.json'), await object('config.json')];
  const ids = (key: string) => models.map((json) => idList(json?.[key])).find((found) => found.length > 0) ?? [];
  const chatTemplate = await readInputText(join(directory, 'chat_template.jinja'), mostBytes);
  return {
    tokenizer: withAddedTokens(tokenizer, config, directory),
    config,
    specialTokens,
    chatTemplate: chatTemplate ?? defaultTemplate(config['chat_template'], directory),
    modelIds: { bos: ids('bos_token_id'), eos: ids('eos_token_id'), pad: ids('pad_token_id') },
  };
}

/** `"<s>"` or `{"content": "<s>", …}`, by role. */
function namedTokens(json: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(json)) {
    const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (/^(bos|eos|pad|unk|sep|cls|mask)_token$/.test(key) && typeof text === 'string') tokens[key] = text;
  }
  return tokens;
}

/** A chat template: text, or a list of named ones, of which `default` counts. */
function defaultTemplate(value: unknown, directory: string): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  const named = Array.isArray(value)
    ? new Map(value.map((entry: { name?: unknown; template?: unknown } | null) => [entry?.name, entry?.template]))
    : undefined;
  const template = named?.get('default');
  if (typeof template !== 'string')
    throw new UserError(
      `${join(directory, 'tokenizer_config.json')}: chat_template is neither text nor a list with a template named "default"`,
    );
  return template;
}

/** Adds the tokens that only `tokenizer_config.json` declares (`added_tokens_decoder`), as transformers does. */
function withAddedTokens(tokenizer: Record<string, unknown>, config: Record<string, unknown>, directory: string) {
  const added = tokenizer['added_tokens'] ?? [];
  const path = join(directory, 'tokenizer.json');
  if (!Array.isArray(added)) throw new UserError(`${path}: added_tokens is not a list of {id, content}`);
  for (const [at, token] of added.entries()) requireAddedToken(token, `${path}: added_tokens[${at}]`);
  const known = new Set((added as AddedToken[]).map(({ id }) => id));
  const declared = Object.entries(config['added_tokens_decoder'] ?? {})
    .map(([id, token]) => ({ ...(token as object), id: Number(id) }) as AddedToken)
    .filter(({ id }) => !known.has(id));
  for (const token of declared)
    requireAddedToken(token, `${join(directory, 'tokenizer_config.json')}: added_tokens_decoder.${token.id}`);
  return { ...tokenizer, added_tokens: [...(added as AddedToken[]), ...declared] };
}

function requireAddedToken(value: unknown, path: string): void {
  const { id, content, ...flags } = (value ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || (id as number) < 0 || typeof content !== 'string')
    throw new UserError(`${path}: found ${shown(value)}, expected {id, content} with a whole number and a text`);
  for (const flag of ['special', 'normalized', 'single_word', 'lstrip', 'rstrip'])
    if (!['boolean', 'undefined'].includes(typeof flags[flag]))
      throw new UserError(`${path}.${flag}: found ${shown(flags[flag])}, expected true or false`);
}

function idList(value: unknown): number[] {
  return [value].flat().filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
}
