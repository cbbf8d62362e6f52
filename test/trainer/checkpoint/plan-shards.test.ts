import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { describeModel } from '../../../trainer/checkpoint/model-files.ts';
import { planShards } from '../../../trainer/checkpoint/plan-shards.ts';
import { writeModelDirectory } from '../../../trainer/checkpoint/write-model-directory.ts';
import { configFromInit } from '../../../trainer/models/config.ts';
import { modelInit } from '../../../trainer/contract/settings/model.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { rounded } from '../../support/bfloat16.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { freshParameters, placeIn, readFlat } from '../../support/flat-parameters.ts';

const directory = useTemporaryDirectory();

describe('tensors are put into files in their order', () => {
  test.each([
    { name: 'one that fits stays alone', bytes: [3, 4, 3], most: 10, shards: [[3, 4, 3]] },
    { name: 'one byte too many', bytes: [3, 4, 4], most: 10, shards: [[3, 4], [4]] },
    { name: 'a tensor over the bound', bytes: [1, 20, 2, 3], most: 10, shards: [[1], [20], [2, 3]] },
    { name: 'each over the bound', bytes: [20, 20], most: 10, shards: [[20], [20]] },
    { name: 'tensors of no size', bytes: [10, 0, 1], most: 10, shards: [[10, 0], [1]] },
  ])('$name', ({ bytes, most, shards }) => {
    const planned = planShards(
      bytes.map((each) => ({ bytes: each })),
      most,
    );
    expect(planned.map(({ tensors }) => tensors.map((tensor) => tensor.bytes))).toEqual(shards);
  });

  test('their names are those of the Hub', () => {
    const tensors = Array.from({ length: 3 }, () => ({ bytes: 1 }));
    expect(planShards(tensors, 3).map(({ name }) => name)).toEqual(['model.safetensors']);
    expect(planShards(tensors, 1).map(({ name }) => name)).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
    ]);
  });
});

test.each([
  { dtype: 'f32', bytes: 4, stored: (weights: Float32Array) => weights },
  { dtype: 'bf16', bytes: 2, stored: rounded },
] as const)('in $dtype a model over the bound is written in shards with an index, and reads back', async (type) => {
  const { dtype, bytes, stored } = type;
  const [from, to] = [join(directory(), 'from'), join(directory(), 'to')];
  await mkdir(from);
  await writeFile(join(from, 'tokenizer.json'), '{}');
  const config = configFromInit(modelInit.parse({ architecture: 'qwen3', hiddenSize: 32, layers: 2 }), 300);
  const layout = parameterLayout(config, 'lm');
  const parameters = freshParameters(layout, config, 7);
  await writeModelDirectory(
    to,
    { hfConfig: {}, layout, valuesOf: placeIn(parameters), tokenizerFrom: from, dtype },
    (bytes * parameters.length) / 2,
  );

  const files = (await readdir(to)).filter((name) => name.includes('safetensors'));
  expect(files).toEqual([
    'model-00001-of-00003.safetensors',
    'model-00002-of-00003.safetensors',
    'model-00003-of-00003.safetensors',
    'model.safetensors.index.json',
  ]);
  const index = JSON.parse(await readFile(join(to, 'model.safetensors.index.json'), 'utf8')) as {
    metadata: { total_size: number };
    weight_map: Record<string, string>;
  };
  expect(index.metadata.total_size).toBe(bytes * parameters.length);
  expect(Object.keys(index.weight_map)).toEqual(layout.tensors.map(({ name }) => name));
  expect(await readFlat(await readModelDirectory(to), layout)).toEqual(stored(parameters));
  expect((await describeModel(to)).map(({ path }) => path)).toEqual(expect.arrayContaining(files));
});
