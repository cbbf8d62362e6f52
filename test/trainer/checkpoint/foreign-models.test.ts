import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { copyTokenizer } from '../../../trainer/checkpoint/companion-files.ts';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import type { FlatLayout } from '../../../trainer/checkpoint/model-directory.ts';
import { writeSafetensors } from '../../../trainer/checkpoint/safetensors.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { readFlat } from '../../support/flat-parameters.ts';

const directory = useTemporaryDirectory();

const layout: FlatLayout = {
  tensors: [
    { name: 'model.embed_tokens.weight', shape: [3, 2], offset: 0, size: 6 },
    { name: 'model.norm.weight', shape: [2], offset: 6, size: 2 },
  ],
  size: 8,
};
const names = layout.tensors.map(({ name }) => name);

beforeEach(() => writeFile(join(directory(), 'config.json'), '{}'));

describe('weights that are not finite are named', () => {
  test.each([NaN, Infinity, -Infinity])('%d', async (value) => {
    await store(names, Float32Array.of(0, 1, 2, value, NaN, 5, 6, 7));
    await refused(new RegExp(`model.safetensors: tensor "${names[0]}" holds ${value} at \\[1,1\\]; expected finite`));
  });
});

describe('names of tensors that say where they come from', () => {
  test.each([
    { prefix: '_orig_mod.', means: /"_orig_mod." comes from torch.compile; save the model inside it/ },
    { prefix: 'module.', means: /"module." comes from DistributedDataParallel/ },
    { prefix: 'base_model.model.', means: /comes from a PEFT adapter/ },
  ])('$prefix', async ({ prefix, means }) => {
    await store(names.map((name) => prefix + name));
    await refused(means);
  });

  test('a bare decoder', async () => {
    await store(names.map((name) => name.replace('model.', '')));
    await refused(
      /unexpected tensor "embed_tokens.weight".* is a bare decoder, saved from AutoModel; save AutoModelFor/,
    );
  });

  test('an adapter beside the weights', async () => {
    await store(['model.layers.0.self_attn.q_proj.lora_A.weight', 'model.norm.weight']);
    await refused(/: the weights of a LoRA adapter, merge it first$/);
  });
});

test('a LoRA adapter is named, with its base', async () => {
  await rm(join(directory(), 'config.json'));
  const adapter = { peft_type: 'LORA', base_model_name_or_path: 'Qwen/Qwen2.5-0.5B', r: 8 };
  await writeFile(join(directory(), 'adapter_config.json'), JSON.stringify(adapter));
  await refused(/: is a LoRA adapter of "Qwen\/Qwen2.5-0.5B", not a model; merge it first/);
});

describe('files that are none, or too large, are refused without being read', () => {
  test.each([
    { name: 'model.safetensors', make: (path: string) => mkdir(path) },
    { name: 'model.safetensors', make: fifo },
    { name: 'model.safetensors.index.json', make: (path: string) => mkdir(path) },
    { name: 'config.json', make: (path: string) => mkdir(path) },
    { name: 'config.json', make: fifo },
  ])('$name', async ({ name, make }) => {
    await rm(join(directory(), name), { force: true });
    await make(join(directory(), name));
    await refused(new RegExp(`${name}: cannot be read: found no regular file$`));
  });

  test('a config of 2 GB', async () => {
    await truncate(join(directory(), 'config.json'), 2 ** 31);
    await refused(/config.json: has 2147483648 bytes; at most 1048576 are read$/);
  });

  test('a config that is deeply nested', async () => {
    const deep = `{"model_type": ${'['.repeat(400_000)}${']'.repeat(400_000)}}`;
    await writeFile(join(directory(), 'config.json'), deep);
    const parsing = readModelDirectory(directory()).then(({ config }) => parseHfConfig(config, 'config.json'));
    await expect(parsing).rejects.toThrow(UserError);
    await expect(parsing).rejects.toThrow(/^(?=.*model_type: found a value too large to show).{1,300}$/);
  });
});

test('everything beside weights and config goes with the model, byte for byte', async () => {
  const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
  const files = {
    'tokenizer.json': '{}',
    'added_tokens.json': '{ "<a>": 1 }',
    'chat_template.jinja': 'J',
    'chat_template.json': '{"chat_template": "J"}',
    'additional_chat_templates/tool_use.jinja': 'T',
    'generation_config.json': '{"eos_token_id": [1,2],   "temperature": 0.7}',
  };
  await mkdir(join(from, 'additional_chat_templates'), { recursive: true });
  await mkdir(to);
  for (const [name, content] of Object.entries({ ...files, 'notes.md': '' }))
    await writeFile(join(from, name), content);
  expect((await copyTokenizer(from, to)).toSorted()).toEqual(Object.keys(files).toSorted());
  for (const [name, content] of Object.entries(files)) expect(await readFile(join(to, name), 'utf8')).toBe(content);
});

function store(stored: readonly string[], values = Float32Array.from({ length: layout.size }, (_, i) => i)) {
  return writeSafetensors(
    join(directory(), 'model.safetensors'),
    layout.tensors.flatMap(({ shape, offset, size }, at) => {
      const name = stored[at];
      return name === undefined ? [] : [{ name, shape, values: values.slice(offset, offset + size) }];
    }),
  );
}

async function refused(message: RegExp): Promise<void> {
  const reading = readModelDirectory(directory()).then((model) => readFlat(model, layout));
  await expect(reading).rejects.toThrow(UserError);
  await expect(reading).rejects.toThrow(message);
}

async function fifo(path: string): Promise<void> {
  execFileSync('mkfifo', [path]);
}
