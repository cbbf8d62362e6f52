import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readAdapter, writeAdapter } from '../../../trainer/checkpoint/adapter-directory.ts';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { SafetensorsFile } from '../../../trainer/checkpoint/safetensors.ts';
import { type LoraSettings, loraTargets } from '../../../trainer/contract/settings/training.ts';
import { type Head, parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout, trainedLayout } from '../../../trainer/models/parameters.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { placeIn } from '../../support/flat-parameters.ts';

// Written by peft, on the models of test/fixtures/parity: see test/fixtures/lora/make_golden.py.
const fixtures = join(import.meta.dirname, '../../fixtures');
const directory = useTemporaryDirectory();

test.each<{ name: string; head: Head; lora: LoraSettings }>([
  { name: 'llama-biases', head: 'lm', lora: { rank: 3, alpha: 8, targets: [...loraTargets] } },
  { name: 'qwen3-reward', head: 'scalar', lora: { rank: 4, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] } },
])('$name: what peft has written is read, and written as peft does', async ({ name, head, lora }) => {
  const theirs = join(fixtures, 'lora', name);
  const { config } = await readModelDirectory(join(fixtures, 'parity', name));
  const layout = trainedLayout(parameterLayout({ ...parseHfConfig(config, name), lora }, head));
  const trained = new Float32Array(layout.size);
  await readAdapter(theirs, layout.tensors, placeIn(trained));
  expect(trained.every((value) => value !== 0)).toBe(true);

  await writeAdapter(directory(), { lora, head, tensors: layout.tensors, valuesOf: placeIn(trained) });
  expect(await tensorsOf(directory())).toEqual(await tensorsOf(theirs));
  const [ours, expected] = await Promise.all([configOf(directory()), configOf(theirs)]);
  expect(ours).toEqual({
    ...Object.fromEntries(Object.keys(ours).map((key) => [key, expected[key]])),
    base_model_name_or_path: null,
    target_modules: lora.targets,
  });
  expect((expected['target_modules'] as string[]).toSorted()).toEqual(lora.targets.toSorted());
});

async function tensorsOf(path: string): Promise<object> {
  await using file = await SafetensorsFile.open(join(path, 'adapter_model.safetensors'));
  const tensors: [string, object][] = [];
  for (const { name, shape, size } of file.tensors.values()) {
    const values = new Float32Array(size);
    await file.read(name, values);
    tensors.push([name, { shape, values }]);
  }
  return Object.fromEntries(tensors.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function configOf(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
}
