import { randomUUID } from 'node:crypto';
import { access, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { verifyCheckpoint } from '../../checkpoint/manifest.ts';
import { readModelDirectory } from '../../checkpoint/model-directory.ts';
import { writeModelDirectory } from '../../checkpoint/write-model-directory.ts';
import { checkpointManifestName } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { Precision } from '../../contract/settings/training.ts';
import { type Head, parseHfConfig } from '../../models/config.ts';
import { type ParameterTensor, parameterLayout } from '../../models/parameters.ts';

/** As `config.json` names them. */
const hfNames: Readonly<Record<Precision, string>> = { f32: 'float32', bf16: 'bfloat16' };

/**
 * Writes the model of a checkpoint, or of any Hugging Face directory, as a directory of its own that others open: weights with their
 * adapters merged, in files of at most 5 GB, config.json, and the tokenizer. It is there whole or not at all.
 *
 * @param from a checkpoint is verified first
 * @throws UserError where there is something at `to` already, or no model at `from`
 */
export async function exportModel(from: string, to: string, dtype: Precision): Promise<void> {
  const [source, target] = [resolve(from), resolve(to)];
  await requireRoom(target);
  if (await isThere(join(source, checkpointManifestName))) await verifyCheckpoint(source);
  const model = await readModelDirectory(source);
  await requireTokenizer(source);
  const json = model.config as Record<string, unknown>;
  const config = parseHfConfig(json, join(source, 'config.json'));
  const layout = parameterLayout(config, headOf(json));
  const parameters = new Float32Array(layout.size);
  const valuesOf = ({ offset, size }: ParameterTensor) => parameters.subarray(offset, offset + size);
  await model.readParameters(layout, valuesOf);
  const partial = `${target}.${randomUUID()}.partial`;
  try {
    // transformers 5 writes `dtype`; before 4.56 it read `torch_dtype` alone.
    const hfConfig = { ...json, dtype: hfNames[dtype], torch_dtype: hfNames[dtype] };
    await writeModelDirectory(partial, { hfConfig, layout, valuesOf, dtype, tokenizerFrom: source });
    await rename(partial, target).catch(async (error: unknown) => {
      await requireRoom(target); // somebody else was first
      throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  console.log(`${to}: ${layout.size} parameters in ${dtype}`);
}

/** @throws UserError unless there is nothing, or an empty directory */
async function requireRoom(directory: string): Promise<void> {
  const found = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new UserError(`${directory}: found a file, expected no such directory yet`);
    throw error;
  });
  if (found.length > 0) {
    throw new UserError(`${directory}: found ${found.length} files in it, expected an empty directory or none`);
  }
}

/** @throws UserError without a tokenizer: nobody could use the model */
async function requireTokenizer(directory: string): Promise<void> {
  const names = ['tokenizer.json', 'vocab.json'];
  const found = await Promise.all(names.map((name) => isThere(join(directory, name))));
  if (!found.includes(true)) throw new UserError(`${directory}: found no tokenizer, expected ${names.join(' or ')}`);
}

function headOf({ architectures }: Record<string, unknown>): Head {
  const [name] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  return typeof name === 'string' && name.endsWith('ForSequenceClassification') ? 'scalar' : 'lm';
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
