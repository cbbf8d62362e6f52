import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { namingFullDisk } from '../contract/full-disk.ts';
import { writeSafetensors } from './safetensors.ts';
import { openWeightFiles } from './weight-files.ts';
import type { WeightFiles } from './weight-files.ts';

/** Where each tensor of a model lies in one flat array; offsets and sizes in elements. */
export interface FlatLayout {
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly offset: number;
    readonly size: number;
  }[];
  readonly size: number;
}

export interface ReadOptions {
  /** Receives the weights; a fresh array in shared memory when absent. */
  readonly into?: Float32Array;
  /** Tensors that the files need not hold; they keep their values of `into`: the head of a new reward model. */
  readonly mayBeMissing?: readonly string[];
}

export interface ModelDirectory {
  /** `config.json` as it is. */
  readonly config: unknown;
  /**
   * Streams the weights into one flat array as f32.
   *
   * @throws UserError for malformed files, and for missing, unexpected or differently shaped tensors, by name
   */
  readParameters(layout: FlatLayout, options?: ReadOptions): Promise<Float32Array>;
}

const embedding = 'model.embed_tokens.weight';
const lmHead = 'lm_head.weight';
const scalarHead = 'score.weight';

/** Opens a Hugging Face model directory: `config.json` and safetensors, in one file or in shards. */
export async function readModelDirectory(directory: string): Promise<ModelDirectory> {
  const config = await readJson(join(directory, 'config.json'));
  return {
    config,
    async readParameters(layout, { into, mayBeMissing = [] } = {}) {
      const parameters = into ?? new Float32Array(new SharedArrayBuffer(layout.size * 4));
      if (parameters.length !== layout.size)
        throw new RangeError(`${parameters.length} elements for a model of ${layout.size}`);
      await using files = await openWeightFiles(directory);
      refuseUnexpected(layout, files);
      for (const { name, shape, offset, size } of layout.tensors) {
        const stored = storedName(name, layout, files);
        const file = files.fileOf.get(stored);
        if (file === undefined) {
          if (mayBeMissing.includes(name)) continue;
          throw new UserError(`${directory}: the weights lack the tensor "${name}" of shape ${shown(shape)}`);
        }
        const found = file.tensors.get(stored)!.shape;
        if (shown(found) !== shown(shape))
          throw new UserError(
            `${file.path}: tensor "${stored}" has shape ${shown(found)}; config.json asks for ${shown(shape)}`,
          );
        await file.read(stored, parameters.subarray(offset, offset + size));
      }
      await refuseDifferentHead(layout, files, parameters);
      return parameters;
    },
  };
}

/** A tied model may be stored under the name of its head alone; transformers ties in both directions, too. */
function storedName(name: string, layout: FlatLayout, files: WeightFiles): string {
  const headAlone = name === embedding && isTied(layout) && !files.fileOf.has(embedding) && files.fileOf.has(lmHead);
  return headAlone ? lmHead : name;
}

function refuseUnexpected(layout: FlatLayout, { fileOf }: WeightFiles): void {
  const known = new Set(layout.tensors.map(({ name }) => name));
  for (const [name, file] of fileOf) {
    // Buffers of old checkpoints that follow from the config; and a language-model head that is tied or not used.
    if (known.has(name) || name.endsWith('.rotary_emb.inv_freq') || name === lmHead) continue;
    const why = name === scalarHead ? ': a reward model is no language model' : '';
    throw new UserError(`${file.path}: unexpected tensor "${name}"; config.json describes no such tensor${why}`);
  }
}

/** A stored head that says something else than the embedding it should be tied to would be lost in silence. */
async function refuseDifferentHead(layout: FlatLayout, { fileOf }: WeightFiles, parameters: Float32Array) {
  const file = fileOf.get(lmHead);
  const tied = layout.tensors.find(({ name }) => name === embedding);
  if (file === undefined || tied === undefined || !isTied(layout) || !fileOf.has(embedding)) return;
  const { size } = file.tensors.get(lmHead)!;
  let equal = size === tied.size;
  const head = new Float32Array(1 << 20);
  for (let at = 0; equal && at < size; at += head.length) {
    const piece = head.subarray(0, size - at);
    await file.read(lmHead, piece, at);
    equal = piece.every((value, i) => Object.is(value, parameters[tied.offset + at + i]));
  }
  if (equal) return;
  throw new UserError(
    `${file.path}: "${lmHead}" differs from "${embedding}", but config.json says tie_word_embeddings: true`,
  );
}

function isTied(layout: FlatLayout): boolean {
  return !layout.tensors.some(({ name }) => name === lmHead || name === scalarHead);
}

export interface ModelToWrite {
  /** The content of `config.json`. */
  readonly hfConfig: Record<string, unknown>;
  readonly layout: FlatLayout;
  /** Flat f32 weights; may lie in shared memory. */
  readonly parameters: Float32Array;
  /** Directory whose tokenizer (and generation_config.json) is copied. */
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
    if (!(await copyIfPresent(tokenizerFrom, directory, 'generation_config.json')))
      await writeFile(join(directory, 'generation_config.json'), json(generationConfig(hfConfig)));
    await copyTokenizer(tokenizerFrom, directory);
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

/** One of the first two makes a tokenizer; the others belong to it where they exist. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'vocab.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'merges.txt',
  'tokenizer.model',
];

/**
 * Copies the files of a tokenizer.
 *
 * @throws when there are none, for example because the checkpoint that they came from has been pruned
 */
export async function copyTokenizer(from: string, to: string): Promise<void> {
  const copied: string[] = [];
  for (const name of tokenizerFileNames) if (await copyIfPresent(from, to, name)) copied.push(name);
  if (!copied.includes('tokenizer.json') && !copied.includes('vocab.json'))
    throw new Error(`${from}: has no tokenizer to copy to ${to}`);
}

async function copyIfPresent(from: string, to: string, name: string): Promise<boolean> {
  try {
    await copyFile(join(from, name), join(to, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${path}: is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
