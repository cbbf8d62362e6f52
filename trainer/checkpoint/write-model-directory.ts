import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/full-disk.ts';
import { copyTokenizer, generationConfigName } from './companion-files.ts';
import type { FlatLayout } from './model-directory.ts';
import { writeSafetensors } from './safetensors.ts';

export interface ModelToWrite {
  /** The content of `config.json`. */
  readonly hfConfig: Record<string, unknown>;
  readonly layout: FlatLayout;
  /** Flat f32 weights; may lie in shared memory. */
  readonly parameters: Float32Array;
  /** Directory whose tokenizer and generation_config.json are copied. */
  readonly tokenizerFrom: string;
}

/**
 * Writes a directory that `transformers` opens: config.json, model.safetensors in F32, generation_config.json and the
 * tokenizer's files.
 *
 * @throws DiskFullError
 */
export async function writeModelDirectory(directory: string, model: ModelToWrite): Promise<void> {
  const { hfConfig, layout, parameters, tokenizerFrom } = model;
  await namingFullDisk(directory, undefined, async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'config.json'), json(hfConfig));
    const copied = await copyTokenizer(tokenizerFrom, directory);
    if (!copied.includes(generationConfigName))
      await writeFile(join(directory, generationConfigName), json(generationConfig(hfConfig)));
  });
  await writeSafetensors(
    join(directory, 'model.safetensors'),
    layout.tensors.map(({ name, shape, offset, size }) => ({
      name,
      shape,
      values: parameters.subarray(offset, offset + size),
    })),
  );
}

function generationConfig(hfConfig: Record<string, unknown>): Record<string, unknown> {
  const ids = ['bos_token_id', 'eos_token_id', 'pad_token_id'];
  return Object.fromEntries(Object.entries(hfConfig).filter(([key]) => ids.includes(key)));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
