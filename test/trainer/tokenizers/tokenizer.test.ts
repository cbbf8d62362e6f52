import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { writeByteTokenizer } from '../../../trainer/tokenizers/byte-tokenizer.ts';
import { checkVocabulary } from '../../../trainer/tokenizers/tokenizer.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { useTokenizers } from '../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();

const user = (content: string) => [{ role: 'user' as const, content }];

describe('the byte tokenizer', () => {
  beforeEach(() => writeByteTokenizer(directory()));

  test('has a token for every byte, then control tokens and tags', async () => {
    const tokenizer = await loadTokenizer(directory());
    expect(tokenizer.vocabularySize).toBe(256 + 5 + 4);
    expect(tokenizer.encode('Aä')).toEqual([65, 0xc3, 0xa4]);
    expect(tokenizer.encode('<|pad|><think></think><answer></answer>')).toEqual([256, 261, 262, 263, 264]);
    expect(tokenizer).toMatchObject({ padId: 256, stopIds: [260] });
    expect(tokenizer.bosId).toBeUndefined();
  });

  test('gives each of many calls in quick succession its own ids', async () => {
    const { encode } = await loadTokenizer(directory());
    for (let call = 0; call < 30_000; call++) {
      const found = encode(String(call));
      if (found.length !== String(call).length) expect([call, found]).toEqual([call, expect.anything()]);
    }
    expect(encode('')).toEqual([]);
  });

  test('keeps tags when decoding and drops control tokens, broken UTF-8 and ids without a token', async () => {
    const tokenizer = await loadTokenizer(directory());
    const ids = tokenizer.encode('<think>7</think><answer>ü</answer><|end|>');
    expect(tokenizer.decode([...ids, 256, 300, 999_999])).toBe('<think>7</think><answer>ü</answer>');
    expect(tokenizer.decode([65, 0xc3, 66])).toBe('A\ufffdB');
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([260])).toBe('');
  });

  test('renders a conversation up to the assistant', async () => {
    const { renderChat } = await loadTokenizer(directory());
    expect(renderChat([{ role: 'system', content: 's' }, ...user('u')])).toBe('<|system|>s<|user|>u<|assistant|>');
    expect(renderChat([...user('1'), { role: 'assistant', content: 'a' }, ...user('2')])).toBe(
      '<|user|>1<|assistant|>a<|end|><|user|>2<|assistant|>',
    );
  });
});

describe('variants of Hugging Face directories', () => {
  beforeEach(() => writeByteTokenizer(directory()));

  test.each([
    {
      name: 'a list of templates',
      config: {
        chat_template: [
          { name: 'default', template: 'D' },
          { name: 'rag', template: 'R' },
        ],
      },
      text: 'D',
    },
    { name: 'a file', config: { chat_template: 'C' }, files: { 'chat_template.jinja': 'J' }, text: 'J' },
    { name: 'text', config: { chat_template: '{{ bos_token }}{{ messages[0].content }}' }, text: '<|user|>hi' },
    { name: 'no template: the contents', config: { chat_template: null }, text: 'hi' },
    {
      name: 'a template that asks for the date gets a fixed one',
      config: { chat_template: "{{ strftime_now('%d %b %Y') }}" },
      text: '26 Jul 2024',
    },
  ])('chat template: $name', async ({ config, files, text }) => {
    await edit('tokenizer_config.json', { bos_token: { content: '<|user|>', special: true }, ...config });
    for (const [name, content] of Object.entries(files ?? {})) await writeFile(join(directory(), name), content);
    const tokenizer = await loadTokenizer(directory());
    expect(tokenizer.renderChat(user('hi'))).toBe(text);
  });

  test('templates have their own digests', async () => {
    const before = await loadTokenizer(directory());
    await edit('tokenizer_config.json', { chat_template: 'other' });
    expect((await loadTokenizer(directory())).templateDigest).not.toBe(before.templateDigest);
  });

  test('the begin token is put once, by the template or in place of one', async () => {
    const bos = { id: '<|system|>', ids: [257], tokens: ['<|system|>'] };
    const single = [{ SpecialToken: { id: '<|system|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    await edit('tokenizer.json', {
      post_processor: { type: 'TemplateProcessing', single, pair: single, special_tokens: { '<|system|>': bos } },
    });
    await edit('tokenizer_config.json', { bos_token: '<|system|>', chat_template: null });
    const plain = await loadTokenizer(directory());
    expect(plain.encode(plain.renderChat(user('a')))).toEqual([257, 97]);
    expect(plain.encode('a')).toEqual([97]);

    await edit('tokenizer_config.json', { chat_template: '{{ bos_token }}{{ messages[0].content }}' });
    const templated = await loadTokenizer(directory());
    expect(templated.encode(templated.renderChat(user('a')))).toEqual([257, 97]);
  });

  test.each([
    { name: 'the end token alone', stop: [260] },
    { name: 'a token object', config: { eos_token: { content: '<|user|>' } }, stop: [258] },
    { name: 'config.json', model: { 'config.json': { eos_token_id: 7 } }, stop: [260, 7] },
    {
      name: 'generation_config.json before config.json',
      model: { 'generation_config.json': { eos_token_id: [259, 260] }, 'config.json': { eos_token_id: 7 } },
      stop: [260, 259],
    },
    {
      name: 'only config.json',
      config: { eos_token: null },
      model: { 'config.json': { eos_token_id: [7, 8] } },
      stop: [7, 8],
    },
  ])('stop tokens: $name', async ({ config, model, stop }) => {
    await edit('tokenizer_config.json', config ?? {});
    for (const [name, content] of Object.entries(model ?? {}))
      await writeFile(join(directory(), name), JSON.stringify(content));
    expect((await loadTokenizer(directory())).stopIds).toEqual(stop);
  });

  test('tokens declared in tokenizer_config.json alone are known', async () => {
    await edit('tokenizer_config.json', { added_tokens_decoder: { 265: { content: '<|tool|>', special: true } } });
    const tokenizer = await loadTokenizer(directory());
    expect(tokenizer.encode('a<|tool|>')).toEqual([97, 265]);
    expect(tokenizer.decode([97, 265])).toBe('a');
    expect(tokenizer.vocabularySize).toBe(266);
  });

  test('tags that are special tokens are kept when decoding', async () => {
    const file = join(directory(), 'tokenizer.json');
    const { added_tokens: added, ...rest } = JSON.parse(await readFile(file, 'utf8'));
    const special = added.map((token: object) => ({ ...token, special: true }));
    await writeFile(file, JSON.stringify({ ...rest, added_tokens: special }));
    const tokenizer = await loadTokenizer(directory());
    const text = '<think>7</think><answer>8</answer>';
    expect(tokenizer.decode(tokenizer.encode(`<|user|>${text}<|end|>`))).toBe(text);
  });

  test('a vocabulary of characters does without tokenizer.json', async () => {
    await rm(join(directory(), 'tokenizer.json'));
    await writeFile(
      join(directory(), 'vocab.json'),
      JSON.stringify({ '<s>': 0, '</s>': 1, '<unk>': 2, a: 3, '😀': 4 }),
    );
    await edit('tokenizer_config.json', {
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      pad_token: null,
      chat_template: null,
    });
    const tokenizer = await loadTokenizer(directory());
    expect(tokenizer.encode('a😀ba</s>')).toEqual([3, 4, 2, 3, 1]);
    expect(tokenizer.decode([3, 4, 3, 1])).toBe('a😀a');
    expect(tokenizer).toMatchObject({ bosId: 0, stopIds: [1], padId: 1, vocabularySize: 5 });
    expect(tokenizer.renderChat(user('a'))).toBe('a');
  });
});

describe('what a manifest says of conversations', () => {
  beforeEach(() => writeByteTokenizer(directory()));

  test('a template goes before that of the directory and has its digest; the prefill ends the prompt', async () => {
    const own = await loadTokenizer(directory());
    const template = '{{ messages[0].content }}{% if not enable_thinking %}!{% endif %}{{ eos_token }}';
    const chat = { template, arguments: { enable_thinking: false }, prefill: '<think>\n' };
    const { renderChat, templateDigest } = await loadTokenizer(directory(), chat);
    expect(renderChat(user('hi'))).toBe('hi!<|end|><think>\n');
    expect(renderChat(user('hi'), { closed: true })).toBe('hi!<|end|>');
    expect(renderChat(user('hi'), { variables: { enable_thinking: true } })).toBe('hi<|end|><think>\n');
    expect(templateDigest).not.toBe(own.templateDigest);
    expect((await loadTokenizer(directory(), { prefill: 'P' })).renderChat(user('hi'))).toBe(
      '<|user|>hi<|assistant|>P',
    );
  });

  test('stop texts that are added tokens stop by their ids, and the model keeps its own', async () => {
    const { stop, stopIds } = await loadTokenizer(directory(), { stop: ['</answer>', '\n\n', 'a', '<|user|>'] });
    expect(stop).toMatchObject({ ids: [264, 258], texts: ['\n\n', 'a'] });
    expect(stopIds).toEqual([260]);
  });

  test('an argument that is not one is refused', async () => {
    const loading = loadTokenizer(directory(), { arguments: { messages: [] } });
    await expect(loading).rejects.toThrow('chat.arguments: "messages" is set by the trainer, choose another name');
  });
});

describe('bad tokenizers, each with one message', () => {
  beforeEach(() => writeByteTokenizer(directory()));

  test.each([
    {
      name: 'none',
      remove: ['tokenizer.json'],
      message: /: has no tokenizer: neither tokenizer.json nor a vocab.json of characters$/,
    },
    {
      name: 'a vocabulary of words',
      remove: ['tokenizer.json'],
      files: { 'vocab.json': '{"the": 0}' },
      message: /has no tokenizer.json, and its vocab.json is not a vocabulary of characters \("the"\)/,
    },
    { name: 'truncated JSON', files: { 'tokenizer.json': '{"model": {' }, message: /tokenizer.json: is not JSON: / },
    { name: 'a list', files: { 'tokenizer.json': '[]' }, message: /tokenizer.json: is not a JSON object$/ },
    {
      name: 'no model',
      files: { 'tokenizer.json': '{"added_tokens": []}' },
      message: /tokenizer.json: model: found undefined, expected an object$/,
    },
    {
      name: 'an unknown model',
      edits: { 'tokenizer.json': { model: { type: 'Mystery' } } },
      message: /tokenizer.json: model.type: found "Mystery", supported: BPE, Unigram$/,
    },
    {
      name: 'broken added tokens',
      edits: { 'tokenizer.json': { added_tokens: [{ id: '1' }] } },
      message: /tokenizer.json: added_tokens\[0\]: found \{"id":"1"\}, expected \{id, content\}/,
    },
    {
      name: 'no end token',
      edits: { 'tokenizer_config.json': { eos_token: null } },
      message: /its tokenizer has no end token/,
    },
    {
      name: 'a chat template that does not parse',
      edits: { 'tokenizer_config.json': { chat_template: '{% for %}' } },
      message: /its chat template does not parse: /,
    },
    {
      name: 'a list of templates without a default',
      edits: { 'tokenizer_config.json': { chat_template: [{ name: 'rag', template: '' }] } },
      message: /tokenizer_config.json: chat_template is neither text nor a list with a template named "default"/,
    },
  ])('$name', async ({ remove, files, edits, message }) => {
    for (const name of remove ?? []) await rm(join(directory(), name));
    for (const [name, content] of Object.entries(files ?? {})) await writeFile(join(directory(), name), content);
    for (const [name, changes] of Object.entries(edits ?? {})) await edit(name, changes);
    const loading = loadTokenizer(directory());
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(message);
  });

  test('a template that refuses the messages says which roles they had', async () => {
    await edit('tokenizer_config.json', { chat_template: "{{ raise_exception('only user') }}" });
    const { renderChat } = await loadTokenizer(directory());
    expect(() => renderChat([{ role: 'system', content: '' }])).toThrow(
      /its chat template refuses messages of the roles system: only user$/,
    );
  });

  test('more ids than the embedding has rows', async () => {
    const tokenizer = await loadTokenizer(directory());
    expect(() => checkVocabulary(tokenizer, 265, 'base')).not.toThrow();
    expect(() => checkVocabulary(tokenizer, 264, 'base')).toThrow(
      'base: its tokenizer has ids up to 264, but the embedding has only 264 rows (vocab_size in config.json)',
    );
    expect(() => checkVocabulary({ ...tokenizer, stopIds: [500] }, 265, 'base')).toThrow(/end token 500 is outside/);
  });
});

async function edit(name: string, changes: Record<string, unknown>): Promise<void> {
  const path = join(directory(), name);
  const current = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...current, ...changes }));
}
