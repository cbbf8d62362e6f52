import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';
import { hashFile, type ManifestFile } from './manifest.ts';
import { adapterConfigName } from './adapter.ts';
import { generationConfigName, tokenizerFileNames } from './companion-files.ts';
import { indexName, singleName } from './weight-files.ts';

const shard = /^[A-Za-z0-9_][A-Za-z0-9._-]*\.safetensors$/;

const small = new Set(['config.json', generationConfigName, ...tokenizerFileNames]);

/** Weights in other formats, of which some are programs when they are read. */
const otherWeights = /\.(bin|gguf|pt|pth|onnx|h5|msgpack|ckpt|ot|npz)$/;

/**
 * The files that a model is read from, with size and SHA-256, sorted by path: whatever else lies beside them, and
 * wherever the model was copied from, it is the same model.
 *
 * @throws UserError if one of them cannot be read
 */
export async function describeModel(directory: string): Promise<ManifestFile[]> {
  try {
    const files = (await readdir(directory)).map((path) => ({ path }));
    const weights = await weightFiles(files, (index) => readFile(join(directory, index.path), 'utf8')).catch(ifBroken);
    const paths = [...settingsFiles(files), ...weights].map(({ path }) => path).toSorted();
    return await Promise.all(paths.map(async (path) => ({ path, ...(await hashFile(join(directory, path))) })));
  } catch (cause) {
    throw new UserError(`${directory}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Whoever opens the weights says what is wrong with them. */
function ifBroken(error: unknown): [] {
  if (error instanceof UserError) return [];
  throw error;
}

/** Files of a directory or repository that a model is read from, without its weights. */
export function settingsFiles<T extends { readonly path: string }>(files: readonly T[]): T[] {
  return files.filter(({ path }) => small.has(path));
}

/**
 * The files with the weights: those that the index names, or the single one.
 *
 * @param readIndex gives the content of `model.safetensors.index.json`
 * @throws UserError if there are none
 */
export async function weightFiles<T extends { readonly path: string }>(
  files: readonly T[],
  readIndex: (index: T) => Promise<string>,
): Promise<T[]> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const single = byPath.get(singleName);
  if (single) return [single];
  const index = byPath.get(indexName);
  if (!index) {
    const others = files.map(({ path }) => path).filter((path) => otherWeights.test(path));
    const weights = others.length > 0 ? `; its weights are ${others.slice(0, 3).join(', ')}` : '';
    const found = byPath.has(adapterConfigName) ? '; it is a PEFT adapter: merge it into its base first' : weights;
    throw new UserError(`has neither ${singleName} nor ${indexName}${found}`);
  }
  const shards = namesIn(await readIndex(index)).map((name) => {
    const file = byPath.get(name);
    if (!file) throw new UserError(`${indexName}: names ${name}, which is not there`);
    return file;
  });
  return [index, ...shards];
}

function namesIn(index: string): string[] {
  let names: unknown[];
  try {
    names = Object.values((JSON.parse(index) as { weight_map: object }).weight_map);
  } catch (cause) {
    throw new UserError(`${indexName}: is not an index of weights`, { cause });
  }
  return [...new Set(names)].map((name) => {
    if (typeof name === 'string' && shard.test(name)) return name;
    throw new UserError(`${indexName}: found ${JSON.stringify(name)}, expected a *.safetensors file beside it`);
  });
}
