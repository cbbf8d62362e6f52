import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';
import type { TokenizerJson } from './tokenizer-files.ts';

/** Larger ones would make the table of tokens by id a dictionary; the largest published vocabulary has 262,144. */
const mostIds = 1 << 24;

/**
 * Checks the parts of a `tokenizer.json` that PyPI `tokenizers` refuses, or answers with other ids, and that
 * @huggingface/tokenizers reads in silence.
 *
 * @throws UserError with the path of the part
 */
export function checkTokenizer(tokenizer: TokenizerJson, source: string): void {
  const model = tokenizer['model'];
  if (typeof model !== 'object' || model === null || Array.isArray(model))
    throw new UserError(`${source}: model: found ${shown(model)}, expected an object`);
  const ids = checkModel(model as Record<string, unknown>, `${source}: model`);
  const tokens = new Map(ids.entries().map(([token, id]) => [id, token]));
  for (const [at, { id, content }] of tokenizer.added_tokens.entries()) {
    const path = `${source}: added_tokens[${at}]`;
    if (id >= mostIds) throw new UserError(`${path}: found the id ${id}, expected one below ${mostIds}`);
    const other = tokens.get(id);
    if (other !== undefined && other !== content)
      throw new UserError(`${path}: ${shown(content)} has the id ${id}, as ${shown(other)} has`);
    const known = ids.get(content);
    if (known !== undefined && known !== id)
      throw new UserError(`${path}: ${shown(content)} has the id ${id}, and ${known} in the vocabulary`);
    tokens.set(id, content);
    ids.set(content, id);
  }
}

/** @returns id by token */
function checkModel(model: Record<string, unknown>, path: string): Map<string, number> {
  const type = model['type'] ?? untaggedType(model);
  switch (type) {
    case 'BPE':
      return checkBpe(model, path);
    case 'Unigram':
      return checkUnigram(model, path);
    default:
      throw new UserError(`${path}.type: found ${shown(type)}, supported: BPE, Unigram`);
  }
}

/** Files of old versions do not name the type. */
function untaggedType(model: Record<string, unknown>): string | undefined {
  if (model['merges'] !== undefined) return 'BPE';
  return Array.isArray(model['vocab']) ? 'Unigram' : undefined;
}

function checkBpe(model: Record<string, unknown>, path: string): Map<string, number> {
  const ids = checkVocab(model['vocab'], `${path}.vocab`);
  const { merges, unk_token: unknown } = model;
  if (!Array.isArray(merges)) throw new UserError(`${path}.merges: found ${shown(merges)}, expected a list`);
  for (const [at, merge] of merges.entries()) checkMerge(merge, ids, `${path}.merges[${at}]`);
  if (merges.some((merge) => Array.isArray(merge) !== Array.isArray(merges[0])))
    throw new UserError(`${path}.merges: has both pairs and texts, expected one form`);
  if (unknown !== null && unknown !== undefined && !(typeof unknown === 'string' && ids.has(unknown)))
    throw new UserError(`${path}.unk_token: found ${shown(unknown)}, expected a token of the vocabulary`);
  // What @huggingface/tokenizers leaves out.
  refuseUnless(model, 'dropout', [undefined, null, 0], path);
  refuseUnless(model, 'continuing_subword_prefix', [undefined, null, ''], path);
  return ids;
}

function checkVocab(vocab: unknown, path: string): Map<string, number> {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
    throw new UserError(`${path}: found ${shown(vocab)}, expected an object of ids by token`);
  const ids = new Map<string, number>();
  const tokens = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab) as [string, unknown][]) {
    if (!isId(id))
      throw new UserError(`${path}: ${shown(token)} has the id ${shown(id)}, expected a whole number below ${mostIds}`);
    const other = tokens.get(id);
    if (other !== undefined) throw new UserError(`${path}: ${shown(token)} and ${shown(other)} have the same id ${id}`);
    ids.set(token, id);
    tokens.set(id, token);
  }
  return ids;
}

function checkMerge(merge: unknown, ids: ReadonlyMap<string, number>, path: string): void {
  const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
  if (!Array.isArray(parts) || parts.length !== 2 || !parts.every((part) => typeof part === 'string'))
    throw new UserError(`${path}: found ${shown(merge)}, expected two tokens`);
  for (const token of [...parts, parts.join('')] as string[])
    if (!ids.has(token))
      throw new UserError(`${path}: ${shown(merge)} needs the token ${shown(token)}, which has no id`);
}

function checkUnigram(model: Record<string, unknown>, path: string): Map<string, number> {
  const { vocab, unk_id: unknown } = model;
  if (!Array.isArray(vocab) || vocab.length === 0)
    throw new UserError(`${path}.vocab: found ${shown(vocab)}, expected a list of [token, score]`);
  const ids = new Map<string, number>();
  for (const [id, entry] of vocab.entries()) {
    const [token, score] = (Array.isArray(entry) ? entry : []) as unknown[];
    if (typeof token !== 'string' || typeof score !== 'number')
      throw new UserError(`${path}.vocab[${id}]: found ${shown(entry)}, expected [token, score]`);
    ids.set(token, id); // a piece may come twice: the reference writes such files, and the last counts
  }
  if (!isId(unknown) || unknown >= vocab.length)
    throw new UserError(`${path}.unk_id: found ${shown(unknown)}, expected a place in the vocabulary`);
  refuseUnless(model, 'byte_fallback', [undefined, null, false], path);
  return ids;
}

function refuseUnless(
  model: Record<string, unknown>,
  key: string,
  supported: readonly (string | number | boolean | null | undefined)[],
  path: string,
): void {
  const value = model[key];
  if (!supported.some((one) => one === value))
    throw new UserError(`${path}.${key}: found ${shown(value)}, supported: ${shown(supported.at(-1))}`);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < mostIds;
}
