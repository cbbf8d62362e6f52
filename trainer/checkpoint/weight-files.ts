import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';
import { readJsonObject } from '../contract/files/input-file.ts';
import { shown } from '../contract/process/shown.ts';
import { SafetensorsFile } from './safetensors.ts';

export const singleName = 'model.safetensors';
export const indexName = 'model.safetensors.index.json';

/** A name and a file for each tensor: the largest models have some MB. */
const mostIndexBytes = 64 << 20;

/**
 * Opens the weights of a Hugging Face directory: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names.
 *
 * @returns the file of every tensor; close each file once
 * @throws UserError when a file is missing or malformed, or when index and shards disagree
 */
export async function openWeightFiles(directory: string): Promise<WeightFiles> {
  if (await exists(join(directory, singleName))) {
    const file = await SafetensorsFile.open(join(directory, singleName));
    return new WeightFiles(directory, [file], new Map([...file.tensors.keys()].map((name) => [name, file])));
  }
  const index = join(directory, indexName);
  if (await exists(index)) return openShards(directory, index, await readWeightMap(index));

  const pickle = (await exists(join(directory, 'pytorch_model.bin')))
    ? '; pytorch_model.bin is a pickle and is never read: save the model again with safe_serialization=True'
    : '';
  throw new UserError(`${directory}: has neither ${singleName} nor ${indexName}${pickle}`);
}

export class WeightFiles {
  readonly directory: string;
  /** Which file holds a tensor. */
  readonly fileOf: ReadonlyMap<string, SafetensorsFile>;
  readonly #files: readonly SafetensorsFile[];

  constructor(directory: string, files: readonly SafetensorsFile[], fileOf: ReadonlyMap<string, SafetensorsFile>) {
    this.directory = directory;
    this.fileOf = fileOf;
    this.#files = files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#files);
  }
}

async function openShards(directory: string, index: string, weightMap: ReadonlyMap<string, string>) {
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const shard of new Set(weightMap.values()))
      files.set(shard, await SafetensorsFile.open(join(directory, shard)));
    const fileOf = new Map<string, SafetensorsFile>();
    for (const [shard, file] of files) {
      for (const name of file.tensors.keys()) {
        if (weightMap.get(name) !== shard)
          throw new UserError(
            `${file.path}: holds the tensor "${name}", which ${indexName} puts in ${weightMap.get(name) ?? 'no file'}`,
          );
        fileOf.set(name, file);
      }
    }
    for (const [name, shard] of weightMap)
      if (!fileOf.has(name)) throw new UserError(`${index}: puts "${name}" in ${shard}, which does not hold it`);
    return new WeightFiles(directory, [...files.values()], fileOf);
  } catch (error) {
    await closeAll([...files.values()]);
    throw error;
  }
}

/** The `weight_map` of an index: tensor name → file name within the same directory. */
async function readWeightMap(index: string): Promise<ReadonlyMap<string, string>> {
  const map = (await readJsonObject(index, mostIndexBytes))?.['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new UserError(`${index}: has no object "weight_map"`);
  return new Map(
    Object.entries(map).map(([name, file]: [string, unknown]) => {
      // The index comes from outside: a name with a directory in it could point anywhere.
      if (typeof file !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/.test(file))
        throw new UserError(
          `${index}: tensor "${name}" is said to be in ${shown(file)}; expected a *.safetensors file of the same directory`,
        );
      return [name, file];
    }),
  );
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
