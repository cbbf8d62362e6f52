import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import { TokenizerThread } from '../../../trainer/tokenizers/tokenizer-thread.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

beforeEach(() => writeByteTokenizer(directory()));

describe('what never ends is ended, with the text', () => {
  const backtracking = { Regex: '(a+)+$' };
  const split = { type: 'Split', pattern: backtracking, behavior: 'Isolated', invert: false };
  const replace = { type: 'Replace', pattern: backtracking, content: '' };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };

  test.each([
    { name: 'a pre-tokenizer', edits: { pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] } } },
    { name: 'a normalizer', edits: { normalizer: replace } },
  ])('$name that backtracks', async ({ edits }) => {
    await edit('tokenizer.json', edits);
    const thread = await TokenizerThread.start({ directory: directory(), chat: {} }, { patienceMs: 500 });
    const text = `${'a'.repeat(40)}b`;
    const encode = () => thread.call('encode', text, text.length);
    expect(encode).toThrow(
      /: its tokenizer did not get done with 41 characters within .*: does one of its regular expressions backtrack\?$/,
    );
    expect(encode).toThrow(UserError); // and it stays so
    await thread.close();
  });

  test('a chat template of nested loops', async () => {
    const template = `${'{% for i in range(9999) %}'.repeat(6)}${'{% endfor %}'.repeat(6)}`;
    const thread = await TokenizerThread.start({ directory: directory(), chat: { template } }, { patienceMs: 500 });
    expect(() => thread.call('render', { messages: [{ role: 'user', content: 'a' }], options: {} }, 1)).toThrow(
      /: its chat template did not get done with 1 characters within .*: do its loops end\?$/,
    );
    await thread.close();
  });
});

test('a chat template with a list that grows without end is given up once memory is out, and not when time is', async () => {
  const grow = '{% set kept.all = kept.all + [kept.all] %}';
  const template = `{% set kept = namespace(all=[0]) %}{% for i in range(99999) %}${grow}{% endfor %}`;
  const thread = await TokenizerThread.start(
    { directory: directory(), chat: { template } },
    { patienceMs: 600_000, mostHeapMb: 64 },
  );
  const render = () => thread.call('render', { messages: [{ role: 'user', content: 'a' }], options: {} }, 1);
  expect(render).toThrow(
    new UserError(
      `${directory()}: its chat template took more than 64 MB of memory with 1 characters: what in it grows?`,
    ),
  );
  expect(render).toThrow(UserError); // and it stays so
  await thread.close();
});

describe('texts that cannot be represented are refused', () => {
  test('half of a surrogate pair', async () => {
    const { encode } = await loadTokenizer(directory());
    expect(() => encode('ab\ud83d!')).toThrow(
      /^the text has half of a surrogate pair, U\+D83D, at character 2: .*; expected whole characters$/,
    );
    expect(encode('😀')).toHaveLength(4);
  });

  test('a text of which no character has a token', async () => {
    await edit('tokenizer.json', {
      pre_tokenizer: null,
      normalizer: null,
      model: { type: 'BPE', vocab: { a: 0, ' ': 1 }, merges: [] },
      added_tokens: [{ id: 2, content: '<|end|>', special: true }],
    });
    const { encode } = await loadTokenizer(directory());
    expect(() => encode('größer')).toThrow(/: its tokenizer has no token for any character of "größer"$/);
    expect(encode('')).toEqual([]);
  });
});

describe('tokenizer files that the reference library refuses, each with one message', () => {
  const bpe = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };
  const token = { id: 3, content: '<t>', special: false };

  test.each([
    { model: { type: 'WordPiece', vocab: {} }, message: /model.type: found "WordPiece", supported: BPE, Unigram$/ },
    { model: { ...bpe, vocab: { a: -1 } }, message: /model.vocab: "a" has the id -1, expected a whole number below/ },
    { model: { ...bpe, vocab: { a: '1' } }, message: /"a" has the id "1"/ },
    { model: { ...bpe, vocab: { a: 0.5 } }, message: /"a" has the id 0.5/ },
    { model: { ...bpe, vocab: { a: 4e9 } }, message: /"a" has the id 4000000000/ },
    { model: { ...bpe, vocab: { a: 0, b: 0 } }, message: /model.vocab: "b" and "a" have the same id 0$/ },
    { model: { ...bpe, vocab: [] }, message: /model.vocab: found \[\], expected an object of ids by token$/ },
    { model: { ...bpe, merges: ['a c'] }, message: /merges\[0\]: "a c" needs the token "c", which has no id$/ },
    { model: { ...bpe, merges: [['b', 'a']] }, message: /merges\[0\]: \["b","a"\] needs the token "ba"/ },
    { model: { ...bpe, merges: ['a b c'] }, message: /merges\[0\]: found "a b c", expected two tokens$/ },
    { model: { ...bpe, merges: ['a b', ['a', 'b']] }, message: /merges: has both pairs and texts/ },
    { model: { ...bpe, merges: undefined }, message: /merges: found undefined, expected a list$/ },
    { model: { ...bpe, unk_token: '<u>' }, message: /unk_token: found "<u>", expected a token of the vocabulary$/ },
    { model: { ...bpe, dropout: 0.1 }, message: /model.dropout: found 0.1, supported: 0$/ },
    { model: { ...bpe, continuing_subword_prefix: '##' }, message: /continuing_subword_prefix: found "##"/ },
    {
      model: { type: 'Unigram', vocab: [['a', 'b']] },
      message: /model.vocab\[0\]: found \["a","b"\], expected \[token/,
    },
    {
      model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 1 },
      message: /unk_id: found 1, expected a place in the vo/,
    },
    { model: bpe, added: [{ ...token, id: 2 }], message: /added_tokens\[0\]: "<t>" has the id 2, as "ab" has$/ },
    { model: bpe, added: [{ ...token, content: 'b' }], message: /"b" has the id 3, and 1 in the vocabulary$/ },
    { model: bpe, added: [token, { ...token, content: '<u>' }], message: /\[1\]: "<u>" has the id 3, as "<t>" has$/ },
    { model: bpe, added: [{ ...token, id: 2 ** 40 }], message: /found the id 1099511627776, expected one below/ },
    {
      model: bpe,
      added: [{ ...token, lstrip: 'yes' }],
      message: /added_tokens\[0\].lstrip: found "yes", expected true/,
    },
    {
      model: bpe,
      edits: { normalizer: { type: 'Precompiled' } },
      message: /normalizer "Precompiled" is not supported$/,
    },
    { model: bpe, edits: { pre_tokenizer: { type: 'Replace' } }, message: /pre_tokenizer "Replace" is not supported$/ },
    {
      model: bpe,
      edits: { pre_tokenizer: { type: 'Split', pattern: 'a', behavior: 'Isolated' } },
      message: /pre_tokenizer "Split": found the pattern "a", expected \{"Regex": …\}/,
    },
    {
      model: bpe,
      edits: { pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated', invert: true } },
      message: /splits with behavior "Isolated", inverted; supported: without inversion, or "Removed"$/,
    },
  ])('$message', async ({ model, added = [], edits, message }) => {
    await edit('tokenizer.json', { model, added_tokens: added, normalizer: null, pre_tokenizer: null, ...edits });
    const loading = loadTokenizer(directory());
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(message);
  });

  test('a file of 1 GB, and one that is deeply nested', async () => {
    await writeFile(join(directory(), 'tokenizer.json'), `{"model": ${'['.repeat(400_000)}${']'.repeat(400_000)}}`);
    await expect(loadTokenizer(directory())).rejects.toThrow(/model: found a value too large to show, expected an obj/);
    await truncate(join(directory(), 'tokenizer.json'), 2 ** 30);
    await expect(loadTokenizer(directory())).rejects.toThrow(/has 1073741824 bytes; at most 268435456 are read$/);
  });
});

async function edit(name: string, changes: Record<string, unknown>): Promise<void> {
  const path = join(directory(), name);
  const current = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...current, ...changes }));
}
