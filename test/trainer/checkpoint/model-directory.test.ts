import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { writeModelDirectory } from '../../../trainer/checkpoint/write-model-directory.ts';
import type { FlatLayout } from '../../../trainer/checkpoint/model-directory.ts';
import { writeSafetensors } from '../../../trainer/checkpoint/safetensors.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { placeIn, readFlat } from '../../support/flat-parameters.ts';

const directory = useTemporaryDirectory();

const embedding = 'model.embed_tokens.weight';
const shapes: Readonly<Record<string, readonly number[]>> = {
  [embedding]: [3, 2],
  'model.norm.weight': [2],
  'lm_head.weight': [3, 2],
  'score.weight': [1, 2],
  'model.layers.0.self_attn.rotary_emb.inv_freq': [4],
  'model.layers.0.mlp.extra.weight': [2],
};
const tied = layout(embedding, 'model.norm.weight');
const untied = layout(embedding, 'model.norm.weight', 'lm_head.weight');
const scalar = layout(embedding, 'model.norm.weight', 'score.weight');

beforeEach(() => writeFile(join(directory(), 'config.json'), '{"model_type": "llama"}'));

test('reads one tensor after the other into memory that it asks for, and hands out the config as it is', async () => {
  await weights('model.norm.weight', embedding);
  const model = await readModelDirectory(directory());
  expect(model.config).toEqual({ model_type: 'llama' });
  const asked: { name: string; values: Float32Array }[] = [];
  await model.readParameters(tied, ({ name, size }) => {
    asked.push({ name, values: new Float32Array(size) });
    return asked.at(-1)!.values;
  });
  expect(asked).toEqual(tied.tensors.map(({ name }) => ({ name, values: values(name) })));
});

test('reads shards through their index', async () => {
  await shards({ 'a.safetensors': [embedding], 'b.safetensors': ['model.norm.weight', 'lm_head.weight'] });
  expect(await read(untied)).toEqual(flat(untied));
});

describe('what transformers ignores is ignored', () => {
  test.each([
    {
      name: 'rotary buffers',
      stored: [embedding, 'model.norm.weight', 'model.layers.0.self_attn.rotary_emb.inv_freq'],
      as: tied,
    },
    { name: 'the tied head', stored: [embedding, 'model.norm.weight', 'lm_head.weight'], as: tied },
    {
      name: 'the language-model head of a reward model',
      stored: [embedding, 'model.norm.weight', 'lm_head.weight', 'score.weight'],
      as: scalar,
    },
  ])('$name', async ({ stored, as }) => {
    await weights(...stored);
    expect(await read(as)).toEqual(flat(as));
  });

  test('a tied model may be stored under its head alone', async () => {
    await weights('model.norm.weight', 'lm_head.weight');
    expect(await read(tied)).toEqual(flat(tied));
  });
});

test('nothing asks for the memory of a new head, which keeps its fresh values', async () => {
  await weights(embedding, 'model.norm.weight');
  const model = await readModelDirectory(directory());
  const parameters = new Float32Array(scalar.size).fill(9);
  await model.readParameters(scalar, placeIn(parameters), ['score.weight']);
  expect(parameters).toEqual(Float32Array.of(...flat(tied), 9, 9));
});

describe('weights that do not fit, each with one message', () => {
  test.each([
    {
      name: 'a missing tensor',
      stored: [embedding],
      as: tied,
      message: /: the weights lack the tensor "model.norm.weight" of shape \[2\]$/,
    },
    {
      name: 'an untied head that is missing',
      stored: [embedding, 'model.norm.weight'],
      as: untied,
      message: /lack the tensor "lm_head.weight"/,
    },
    {
      name: 'an unexpected tensor',
      stored: [embedding, 'model.norm.weight', 'model.layers.0.mlp.extra.weight'],
      as: tied,
      message: /model.safetensors: unexpected tensor "model.layers.0.mlp.extra.weight"/,
    },
    {
      name: 'a reward model as a policy',
      stored: [embedding, 'model.norm.weight', 'score.weight'],
      as: tied,
      message: /unexpected tensor "score.weight".*: a reward model is no language model$/,
    },
  ])('$name', async ({ stored, as, message }) => {
    await weights(...stored);
    await refused(as, message);
  });

  test('another shape', async () => {
    await weights(embedding, 'model.norm.weight');
    const wider = { ...tied, tensors: [{ ...tied.tensors[0]!, shape: [2, 3] }, tied.tensors[1]!] };
    await refused(
      wider,
      /model.safetensors: tensor "model.embed_tokens.weight" has shape \[3, 2\]; config.json asks for \[2, 3\]$/,
    );
  });

  test('a head that should be tied and is not', async () => {
    const head = values('lm_head.weight').with(5, 1);
    await writeSafetensors(join(directory(), 'model.safetensors'), [
      ...[embedding, 'model.norm.weight'].map((name) => ({ name, shape: shapes[name]!, values: values(name) })),
      { name: 'lm_head.weight', shape: [3, 2], values: head },
    ]);
    await refused(
      tied,
      /"lm_head.weight" differs from "model.embed_tokens.weight", but config.json says tie_word_embeddings: true$/,
    );
  });
});

describe('directories that are none, each with one message', () => {
  test('no config', async () => {
    await rm(join(directory(), 'config.json'));
    await expect(readModelDirectory(directory())).rejects.toThrow(
      /config.json: is missing; expected a Hugging Face model/,
    );
  });

  test('a broken config', async () => {
    await writeFile(join(directory(), 'config.json'), '{"model_type"');
    await expect(readModelDirectory(directory())).rejects.toThrow(/config.json: is not JSON: /);
  });

  test('no weights, or only a pickle', async () => {
    await refused(tied, /: has neither model.safetensors nor model.safetensors.index.json$/);
    await writeFile(join(directory(), 'pytorch_model.bin'), '');
    await refused(tied, /; pytorch_model.bin is a pickle and is never read/);
  });

  test.each([
    {
      name: 'a path that leaves the directory',
      index: { weight_map: { a: '../a.safetensors' } },
      message: /tensor "a" is said to be in "..\/a.safetensors"; expected a \*.safetensors file of the same directory$/,
    },
    {
      name: 'an absolute path',
      index: { weight_map: { a: '/etc/passwd' } },
      message: /tensor "a" is said to be in "\/etc\/passwd"/,
    },
    { name: 'no name', index: { weight_map: { a: 3 } }, message: /tensor "a" is said to be in 3;/ },
    { name: 'no map', index: {}, message: /index.json: has no object "weight_map"$/ },
    { name: 'no object', index: null, message: /index.json: is not a JSON object$/ },
    {
      name: 'a missing shard',
      index: { weight_map: { a: 'x.safetensors' } },
      message: /x.safetensors: cannot be read: found no such file/,
    },
  ])('an index with $name', async ({ index, message }) => {
    await writeFile(join(directory(), 'model.safetensors.index.json'), JSON.stringify(index));
    await refused(tied, message);
  });

  test('an index and shards that disagree', async () => {
    const stored = { 'a.safetensors': [embedding], 'b.safetensors': ['model.norm.weight'] };
    await shards(stored, { [embedding]: 'a.safetensors', 'model.norm.weight': 'b.safetensors', gone: 'b.safetensors' });
    await refused(tied, /index.json: puts "gone" in b.safetensors, which does not hold it$/);
    await shards(
      { ...stored, 'b.safetensors': ['model.norm.weight', embedding] },
      { [embedding]: 'a.safetensors', 'model.norm.weight': 'b.safetensors' },
    );
    await refused(tied, /b.safetensors: holds the tensor "model.embed_tokens.weight", which .* puts in a.safetensors$/);
  });
});

test('writes config, weights, generation config and the tokenizer files that exist', async () => {
  const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
  await mkdir(from);
  for (const name of ['tokenizer.json', 'chat_template.jinja', 'notes.md']) await writeFile(join(from, name), name);
  const hfConfig = { model_type: 'llama', eos_token_id: [2, 5], pad_token_id: 0 };
  await writeModelDirectory(to, { hfConfig, layout: untied, valuesOf: placeIn(flat(untied)), tokenizerFrom: from });

  expect(await readdir(to)).toEqual([
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
  expect(await json(to, 'generation_config.json')).toEqual({ eos_token_id: [2, 5], pad_token_id: 0 });
  const written = await readModelDirectory(to);
  expect(written.config).toEqual(hfConfig);
  expect(await readFlat(written, untied)).toEqual(flat(untied));
});

test('the generation config of the base is kept', async () => {
  const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
  await mkdir(from);
  await writeFile(join(from, 'tokenizer.json'), '{}');
  await writeFile(join(from, 'generation_config.json'), '{"eos_token_id": [7], "temperature": 0.6}');
  await writeModelDirectory(to, { hfConfig: {}, layout: tied, valuesOf: placeIn(flat(tied)), tokenizerFrom: from });
  expect(await json(to, 'generation_config.json')).toEqual({ eos_token_id: [7], temperature: 0.6 });
});

test('a model without its tokenizer is not written', async () => {
  const to = join(directory(), 'to');
  const writing = writeModelDirectory(to, {
    hfConfig: {},
    layout: tied,
    valuesOf: placeIn(flat(tied)),
    tokenizerFrom: join(directory(), 'pruned'),
  });
  await expect(writing).rejects.toThrow(/pruned: has no tokenizer to copy to/);
});

function layout(...names: string[]): FlatLayout {
  let size = 0;
  const tensors = names.map((name) => {
    const shape = shapes[name]!;
    const tensor = { name, shape, offset: size, size: shape.reduce((product, n) => product * n, 1) };
    size += tensor.size;
    return tensor;
  });
  return { tensors, size };
}

/** Recognisable values; the head holds those of the embedding. */
function values(name: string): Float32Array {
  const size = shapes[name]!.reduce((product, n) => product * n, 1);
  const first = name === 'lm_head.weight' ? embedding.length : name.length;
  return Float32Array.from({ length: size }, (_, i) => first + i / 8);
}

function flat({ tensors }: FlatLayout): Float32Array {
  return Float32Array.from(tensors.flatMap(({ name }) => [...values(name)]));
}

async function weights(...names: string[]): Promise<void> {
  await store('model.safetensors', names);
}

async function shards(files: Record<string, string[]>, weightMap?: Record<string, string>): Promise<void> {
  for (const [name, names] of Object.entries(files)) await store(name, names);
  const map = Object.entries(files).flatMap(([name, names]) => names.map((tensor) => [tensor, name] as const));
  const index = { metadata: {}, weight_map: weightMap ?? Object.fromEntries(map) };
  await writeFile(join(directory(), 'model.safetensors.index.json'), JSON.stringify(index));
}

function store(file: string, names: readonly string[]): Promise<void> {
  return writeSafetensors(
    join(directory(), file),
    names.map((name) => ({ name, shape: shapes[name]!, values: values(name) })),
  );
}

async function read(as: FlatLayout): Promise<Float32Array> {
  return readFlat(await readModelDirectory(directory()), as);
}

async function refused(as: FlatLayout, message: RegExp): Promise<void> {
  const reading = read(as);
  await expect(reading).rejects.toThrow(UserError);
  await expect(reading).rejects.toThrow(message);
}

async function json(...path: string[]): Promise<unknown> {
  return JSON.parse(await readFile(join(...path), 'utf8'));
}
