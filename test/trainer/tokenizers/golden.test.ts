import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Message } from '../../../trainer/contract/settings/dataset.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import type { Tokenizer } from '../../../trainer/tokenizers/tokenizer.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

const { texts, conversations } = fixture('texts') as { texts: string[]; conversations: Message[][] };
const smolLm2 = process.env['R1_SMOLLM2'];

test('the byte tokenizer gives the ids, texts and conversations of transformers', async () => {
  await writeByteTokenizer(directory());
  expect(observed(await loadTokenizer(directory()))).toEqual(golden('bytes'));
});

(smolLm2 === undefined ? test.skip : test)(
  'SmolLM2 gives the ids, texts and conversations of transformers (skipped without R1_SMOLLM2=DIR)',
  async () => {
    expect(observed(await loadTokenizer(smolLm2!))).toEqual(golden('smollm2'));
  },
);

function observed(tokenizer: Tokenizer) {
  const rendered = conversations.map((messages) => tokenizer.renderChat(messages));
  return {
    ids: texts.map((text) => tokenizer.encode(text)),
    decoded: texts.map((text) => tokenizer.decode(tokenizer.encode(text))),
    conversations: rendered.map((text) => ({ text, ids: tokenizer.encode(text) })),
  };
}

function golden(name: string): unknown {
  const { 'made with': _madeWith, ...values } = fixture(name);
  return values;
}

function fixture(name: string): Record<string, unknown> {
  const url = new URL(`../../fixtures/tokenizers/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>;
}
