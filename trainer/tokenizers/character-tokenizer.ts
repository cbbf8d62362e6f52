import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';

/**
 * A `tokenizer.json` for a directory that has only a `vocab.json` of single characters: one token a character, and
 * the special tokens. Characters outside the vocabulary become the unknown token, where there is one.
 *
 * @throws UserError when there is no vocabulary, or it is not one of characters
 */
export function characterTokenizer(
  vocabulary: Record<string, unknown> | undefined,
  specialTokens: Readonly<Record<string, string>>,
  directory: string,
): Record<string, unknown> {
  if (vocabulary === undefined)
    throw new UserError(`${directory}: has no tokenizer: neither tokenizer.json nor a vocab.json of characters`);
  const special = new Set(Object.values(specialTokens));
  for (const [token, id] of Object.entries(vocabulary)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0)
      throw new UserError(`${join(directory, 'vocab.json')}: token ${JSON.stringify(token)} has the id ${String(id)}`);
    if (!special.has(token) && Array.from(token).length !== 1)
      throw new UserError(
        `${directory}: has no tokenizer.json, and its vocab.json is not a vocabulary of characters (${JSON.stringify(token)}): ` +
          'save the tokenizer again with AutoTokenizer.from_pretrained(…).save_pretrained(…)',
      );
  }
  return {
    version: '1.0',
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Fuse' },
    added_tokens: [...special]
      .filter((content) => Object.hasOwn(vocabulary, content))
      .map((content) => ({ id: vocabulary[content], content, special: true, normalized: false })),
    model: {
      type: 'BPE',
      unk_token: specialTokens['unk_token'] ?? null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges: [],
    },
  };
}
