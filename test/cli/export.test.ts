import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import { SafetensorsFile } from '../../trainer/checkpoint/safetensors.ts';
import { parseHfConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { rounded } from '../support/bfloat16.ts';
import { r1 } from '../support/cli.ts';
import { readFlat } from '../support/flat-parameters.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const trained = join(import.meta.dirname, '../fixtures/trained');
const exportTo = (from: string, ...args: string[]) => r1(['export', from, 'out', ...args], { cwd: directory() });

async function weightsOf(path: string) {
  const model = await readModelDirectory(path);
  const layout = parameterLayout(parseHfConfig(model.config, path), 'lm');
  return { config: model.config as Record<string, unknown>, weights: await readFlat(model, layout) };
}

test.each([
  { dtype: 'f32', named: 'float32', stored: 'F32', round: (weights: Float32Array) => weights },
  { dtype: 'bf16', named: 'bfloat16', stored: 'BF16', round: rounded },
])('writes the model with its tokenizer, and weights in $dtype', async ({ dtype, named, stored, round }) => {
  const { code, stdout, stderr } = await exportTo(trained, '--dtype', dtype);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^out: \\d+ parameters in ${dtype}\n$`));
  const out = join(directory(), 'out');
  const [{ config: before, weights: expected }, { config, weights }] = [await weightsOf(trained), await weightsOf(out)];
  expect(weights).toEqual(round(expected));
  expect(config).toEqual({ ...before, dtype: named, torch_dtype: named });
  await using file = await SafetensorsFile.open(join(out, 'model.safetensors'));
  expect(new Set([...file.tensors.values()].map((tensor) => tensor.dtype))).toEqual(new Set([stored]));
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    expect(await readFile(join(out, name))).toEqual(await readFile(join(trained, name)));
  expect(await readdir(directory())).toEqual(['out']);
});

test.each(['float32', 'bfloat16', 'fp16'])('%s is no word of the manifest', async (dtype) => {
  const { code, stderr } = await exportTo(trained, '--dtype', dtype);
  expect([code, stderr]).toEqual([64, expect.stringContaining('Allowed choices are f32, bf16.')]);
});

test('an empty directory is written into', async () => {
  await mkdir(join(directory(), 'out'));
  expect(await exportTo(trained)).toMatchObject({ code: 0 });
});

test.each([
  {
    name: 'what is there stays',
    prepare: async () => {
      await mkdir(join(directory(), 'out'));
      await writeFile(join(directory(), 'out', 'notes.txt'), 'mine');
    },
    from: trained,
    message: /out: found 1 files in it, expected an empty directory or none/,
  },
  {
    name: 'a file is no directory',
    prepare: () => writeFile(join(directory(), 'out'), 'mine'),
    from: trained,
    message: /out: found a file, expected no such directory yet/,
  },
  {
    name: 'a model that nobody could use',
    prepare: () => cp(trained, join(directory(), 'model'), { recursive: true }),
    spoil: () => rm(join(directory(), 'model', 'tokenizer.json')),
    from: 'model',
    message: /model: found no tokenizer, expected tokenizer.json or vocab.json/,
  },
  {
    name: 'a checkpoint that is not what its manifest says',
    prepare: () => cp(trained, join(directory(), 'model'), { recursive: true }),
    spoil: () =>
      writeFile(
        join(directory(), 'model', 'checkpoint.json'),
        JSON.stringify({ version: 1, step: 1, final: true, files: [], settingsDigest: '0'.repeat(64), engine: {} }),
      ),
    from: 'model',
    message: /model\/\S+: is not in the checkpoint's manifest/,
  },
  { name: 'no model', prepare: async () => {}, from: 'nowhere', message: /nowhere: found no such directory, expected/ },
])('$name: one message, and nothing is written', async ({ prepare, spoil, from, message }) => {
  await prepare();
  await spoil?.();
  const before = (await readdir(directory(), { recursive: true })).toSorted();
  const { code, stdout, stderr } = await exportTo(from);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect((await readdir(directory(), { recursive: true })).toSorted()).toEqual(before);
});
