import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { makeWithin } from '../contract/files/make-directory.ts';
import type { Precision } from '../contract/settings/training.ts';
import { copyTokenizer, generationConfigName } from './companion-files.ts';
import type { FlatLayout, FlatTensor } from './model-directory.ts';
import { mostShardBytes, planShards, type Shard } from './plan-shards.ts';
import { bytesPerElement, writeSafetensors } from './safetensors.ts';
import { indexName } from './weight-files.ts';

export interface ModelToWrite<Tensor extends FlatTensor> {
  /** The content of `config.json`. */
  readonly hfConfig: Record<string, unknown>;
  readonly layout: FlatLayout<Tensor>;
  /** Gives the f32 weights of a tensor when it is written; they may lie in shared memory. */
  readonly valuesOf: (tensor: Tensor) => Float32Array | Promise<Float32Array>;
  /** Directory whose tokenizer and generation_config.json are copied. */
  readonly tokenizerFrom: string;
  /** Of the weights in the files, f32 when absent. */
  readonly dtype?: Precision;
}

/**
 * Writes a directory that `transformers` opens: config.json, the weights, generation_config.json and the tokenizer's
 * files.
 *
 * @param shardBytes weights that take more than this are cut into files of at most so many bytes, beside an index
 * @throws DiskFullError
 */
export async function writeModelDirectory<Tensor extends FlatTensor>(
  directory: string,
  model: ModelToWrite<Tensor>,
  shardBytes = mostShardBytes,
): Promise<void> {
  const { hfConfig, layout, valuesOf, tokenizerFrom, dtype = 'f32' } = model;
  await namingFullDisk(directory, undefined, async () => {
    await makeWithin(directory);
    await writeFile(join(directory, 'config.json'), json(hfConfig));
    const copied = await copyTokenizer(tokenizerFrom, directory);
    if (!copied.includes(generationConfigName))
      await writeFile(join(directory, generationConfigName), json(generationConfig(hfConfig)));
  });
  const tensors = layout.tensors.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    values: () => valuesOf(tensor),
    bytes: tensor.size * bytesPerElement(dtype),
  }));
  const shards = planShards(tensors, shardBytes);
  for (const shard of shards) await writeSafetensors(join(directory, shard.name), shard.tensors, dtype);
  if (shards.length > 1) await writeFile(join(directory, indexName), json(indexOf(shards, layout, dtype)));
}

/** What `transformers` looks up: in which file each tensor is. */
function indexOf(shards: readonly Shard<{ readonly name: string }>[], { size }: FlatLayout, dtype: Precision): object {
  return {
    metadata: { total_parameters: size, total_size: size * bytesPerElement(dtype) },
    weight_map: Object.fromEntries(
      shards.flatMap(({ name: file, tensors }) => tensors.map(({ name }) => [name, file] as const)),
    ),
  };
}

function generationConfig(hfConfig: Record<string, unknown>): Record<string, unknown> {
  const ids = ['bos_token_id', 'eos_token_id', 'pad_token_id'];
  return Object.fromEntries(Object.entries(hfConfig).filter(([key]) => ids.includes(key)));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
