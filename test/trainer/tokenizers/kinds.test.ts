import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

// What PyPI tokenizers gives; made by test/fixtures/tokenizers/make_kinds.py.
interface Golden {
  readonly texts: readonly string[];
  readonly model: unknown;
  readonly kinds: Readonly<Record<string, Record<string, unknown>>>;
  readonly ids: Readonly<Record<string, readonly number[][]>>;
  readonly decoded: Readonly<Record<string, readonly string[]>>;
}
const fixture = new URL('../../fixtures/tokenizers/kinds.json', import.meta.url);
const golden = JSON.parse(readFileSync(fixture, 'utf8')) as Golden;

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

test.each(Object.entries(golden.kinds))('%s: ids and texts of the reference library', async (name, tokenizer) => {
  const { model, texts, ids, decoded } = golden;
  await writeFile(join(directory(), 'tokenizer.json'), JSON.stringify({ model, ...tokenizer }));
  await writeFile(join(directory(), 'config.json'), JSON.stringify({ eos_token_id: 1 }));
  const opened = await loadTokenizer(directory());
  const pairs = texts.map((text, at) => {
    const found = opened.encode(text);
    return { text, ids: found, decoded: opened.decode(found), place: at };
  });
  const expected = texts.map((text, at) => ({
    text,
    ids: ids[name]?.[at],
    decoded: readable(tokenizer, ids[name]?.[at] ?? [], decoded[name]?.[at] ?? ''),
    place: at,
  }));
  expect(
    pairs.map(({ decoded: text, ...rest }) => ({ ...rest, decoded: readable(tokenizer, rest.ids, text) })),
  ).toEqual(expected);
});

/** Control tokens are dropped here and were kept there: texts with one are not compared. */
function readable(tokenizer: Record<string, unknown>, ids: readonly number[], text: string): string {
  const added = tokenizer['added_tokens'] as { id: number; special: boolean }[];
  return added.some(({ id, special }) => special && ids.includes(id)) ? '' : text;
}
