import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { damagedJsonFile } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';
import { trainedModel } from '../trained-model.ts';

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
        await model.readParameters(parameterLayout(parseHfConfig(model.config, path), 'lm'));
      },
    };
  },
};

/** The index of a model in shards. */
export const shardIndex: FuzzTarget = {
  name: 'model.safetensors.index.json',
  mostMiB: 400,
  inputs: () =>
    damagedJsonFile([
      {
        metadata: { total_size: 100 },
        weight_map: { 'model.norm.weight': 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
      },
    ]),
  async open(directory) {
    await writeFile(join(directory, 'config.json'), await readFile(join(trainedModel.path, 'config.json')));
    const layout = parameterLayout(parseHfConfig(trainedModel.config, 'config.json'), 'lm');
    return {
      async read(input) {
        await writeFile(join(directory, 'model.safetensors.index.json'), input);
        await (await readModelDirectory(directory)).readParameters(layout);
      },
    };
  },
};
