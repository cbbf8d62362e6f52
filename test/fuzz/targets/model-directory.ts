import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { writeSafetensors } from '../../../trainer/checkpoint/safetensors.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { damagedJsonFile } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';
import { trainedModel } from '../trained-model.ts';
import { readFlat } from '../../support/flat-parameters.ts';

/** `config.json` beside weights of fixed sizes. */
export const modelConfig: FuzzTarget = {
  name: 'config.json',
  mostMiB: 400,
  inputs: () => damagedJsonFile([trainedModel.config]),
  async open(directory) {
    await cp(trainedModel.path, directory, { recursive: true });
    const path = join(directory, 'config.json');
    return {
      async read(input) {
        await writeFile(path, input);
        const model = await readModelDirectory(directory);
        await readFlat(model, parameterLayout(parseHfConfig(model.config, path), 'lm'));
      },
    };
  },
};

const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const layout = parameterLayout(parseHfConfig(trainedModel.config, 'config.json'), 'lm');
const shardOf = (at: number) => shards[at % 2] as string;

/** The index of a model in two shards, which take turns. */
export const shardIndex: FuzzTarget = {
  name: 'model.safetensors.index.json',
  mostMiB: 400,
  inputs: () =>
    damagedJsonFile([
      {
        metadata: { total_size: 4 * layout.size, format: 'pt' },
        weight_map: Object.fromEntries(layout.tensors.map(({ name }, at) => [name, shardOf(at)])),
      },
    ]),
  async open(directory) {
    await writeFile(join(directory, 'config.json'), await readFile(join(trainedModel.path, 'config.json')));
    const whole = await readFlat(await readModelDirectory(trainedModel.path), layout);
    const tensors = layout.tensors.map(({ name, shape, offset, size }, at) => ({
      shard: shardOf(at),
      tensor: { name, shape, values: whole.subarray(offset, offset + size) },
    }));
    for (const shard of shards) {
      const own = tensors.filter((one) => one.shard === shard).map(({ tensor }) => tensor);
      // oxlint-disable-next-line no-await-in-loop -- two small files
      await writeSafetensors(join(directory, shard), own);
    }
    return {
      async read(input) {
        await writeFile(join(directory, 'model.safetensors.index.json'), input);
        await readFlat(await readModelDirectory(directory), layout);
      },
    };
  },
};
