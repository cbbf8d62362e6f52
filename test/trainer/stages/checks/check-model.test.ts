import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeModelDirectory } from '../../../../trainer/checkpoint/write-model-directory.ts';
import { toHfConfig } from '../../../../trainer/models/config.ts';
import { parameterLayout } from '../../../../trainer/models/parameters.ts';
import { modelProblem } from '../../../../trainer/stages/checks/check-model.ts';
import { OpenTokenizers } from '../../../../trainer/stages/checks/open-tokenizers.ts';
import { writeByteTokenizer } from '../../../../trainer/tokenizers/byte-tokenizer.ts';
import { tinyConfig } from '../../../support/random-model.ts';

let root: string;
const config = tinyConfig({ vocabularySize: 300 });
const hfConfig = toHfConfig(config, { eosTokenId: 1, head: 'lm' });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-model-'));
  await writeByteTokenizer(join(root, 'tokenizer'));
  const layout = parameterLayout(config, 'lm');
  await writeModelDirectory(join(root, 'model'), {
    hfConfig,
    layout,
    valuesOf: ({ size }) => new Float32Array(size),
    tokenizerFrom: join(root, 'tokenizer'),
  });
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

const deep = `{"hidden_size": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

const cases: { name: string; files: Record<string, string | Uint8Array | undefined>; says: RegExp }[] = [
  {
    name: 'a layer too many in config.json',
    files: { 'config.json': JSON.stringify({ ...hfConfig, num_hidden_layers: 3 }) },
    says: /the weights lack the tensor "model\.layers\.2\.input_layernorm\.weight" of shape \[32\]$/,
  },
  {
    name: 'more layers than any model has',
    files: { 'config.json': JSON.stringify({ ...hfConfig, num_hidden_layers: 1e9 }) },
    says: /config\.json: num_hidden_layers: found 1000000000, expected at most 1000$/,
  },
  {
    name: 'other sizes in config.json',
    files: { 'config.json': JSON.stringify({ ...hfConfig, vocab_size: 1e9 }) },
    says: /tensor "model\.embed_tokens\.weight" has shape \[300, 32\]; config\.json asks for \[1000000000, 32\]$/,
  },
  { name: 'a deeply nested config.json', files: { 'config.json': deep }, says: /config\.json: / },
  { name: 'no config.json', files: { 'config.json': undefined }, says: /config\.json: is missing; expected/ },
  {
    name: 'a directory in place of the weights',
    files: { 'model.safetensors': undefined, 'model.safetensors/x': '' },
    says: /model\.safetensors: cannot be read: found no regular file$/,
  },
  {
    name: 'a header that is longer than any',
    files: { 'model.safetensors': Uint8Array.of(255, 255, 255, 255, 255, 255, 0, 0) },
    says: /model\.safetensors: .*header/,
  },
  {
    name: 'a shard that is not there',
    files: {
      'model.safetensors': undefined,
      'model.safetensors.index.json': '{"weight_map": {"model.norm.weight": "model-00001.safetensors"}}',
    },
    says: /model-00001\.safetensors: /,
  },
  { name: 'no tokenizer', files: { 'tokenizer.json': undefined }, says: /tokenizer/ },
  {
    name: 'a chat template that does not parse',
    files: { 'chat_template.jinja': '{% for m in messages %}' },
    says: /its chat template does not parse/,
  },
];

test('a whole model has no problem', async () => {
  expect(await problemOf(join(root, 'model'), 'lm')).toBeUndefined();
  expect(await problemOf(join(root, 'model'), 'maybeScalar')).toBeUndefined();
});

test.each(cases)('says in one line that there is $name', async ({ files, says }) => {
  const directory = await mkdtemp(join(root, 'case-'));
  await cp(join(root, 'model'), directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    // oxlint-disable-next-line no-await-in-loop -- the order counts
    await (content === undefined
      ? rm(path)
      : mkdir(join(path, '..'), { recursive: true }).then(() => writeFile(path, content)));
  }
  const problem = await problemOf(directory, 'lm');
  expect(problem?.replaceAll(directory, '.')).toMatch(says);
  expect(problem).not.toContain('\n');
  expect(problem?.length).toBeLessThan(500);
});

async function problemOf(directory: string, head: 'lm' | 'maybeScalar'): Promise<string | undefined> {
  const tokenizers = new OpenTokenizers();
  try {
    return await modelProblem(directory, head, tokenizers);
  } finally {
    await tokenizers.closeExcept([]);
  }
}

test('a tokenizer is read once for a model and for its rows', async () => {
  const tokenizers = new OpenTokenizers();
  const directory = join(root, 'model');
  expect(await modelProblem(directory, 'lm', tokenizers)).toBeUndefined();
  const first = await tokenizers.open({ directory });
  await tokenizers.closeExcept([{ directory, chat: {} }]);
  expect(await tokenizers.open({ directory, chat: {} })).toBe(first);
  await tokenizers.closeExcept([]);
  expect(() => first.encode('1')).toThrow();
});
