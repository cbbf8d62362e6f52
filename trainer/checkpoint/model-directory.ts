import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';
import { readJsonObject } from '../contract/files/input-file.ts';
import { shown } from '../contract/process/shown.ts';
import { refuseAdapter } from './adapter.ts';
import { firstNotFinite } from './first-not-finite.ts';
import { openWeightFiles } from './weight-files.ts';
import type { WeightFiles } from './weight-files.ts';

/** Where each tensor of a model lies in one flat array; offsets and sizes in elements. */
export interface FlatLayout<Tensor extends FlatTensor = FlatTensor> {
  readonly tensors: readonly Tensor[];
  readonly size: number;
}

export interface FlatTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

export interface ModelDirectory {
  /** `config.json` as it is. */
  readonly config: unknown;
  /**
   * Compares the headers of the weights with the layout; reads and allocates nothing of their size.
   *
   * @param mayBeMissing tensors that the files need not hold: the head of a new reward model
   * @throws UserError for malformed files, and for tensors that are missing, unexpected, or of another shape or type, by name
   */
  checkParameters(layout: FlatLayout, mayBeMissing?: readonly string[]): Promise<void>;
  /**
   * Streams the weights as f32, a tensor at a time and in the order of the layout, into memory that it asks for.
   *
   * @param mayBeMissing tensors that the files need not hold; nothing asks for the memory of one that they lack
   * @throws UserError for malformed files, and for tensors that are missing, unexpected, of another shape or not finite, by
   * name
   */
  readParameters<Tensor extends FlatTensor>(
    layout: FlatLayout<Tensor>,
    memoryOf: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
    mayBeMissing?: readonly string[],
  ): Promise<void>;
}

/** Real ones have a few kB. */
const mostConfigBytes = 1 << 20;

const embedding = 'model.embed_tokens.weight';
const lmHead = 'lm_head.weight';
const scalarHead = 'score.weight';

/** Opens a Hugging Face model directory: `config.json` and safetensors, in one file or in shards. */
export async function readModelDirectory(directory: string): Promise<ModelDirectory> {
  const path = join(directory, 'config.json');
  const config = await readJsonObject(path, mostConfigBytes);
  if (config === undefined) {
    await refuseAdapter(directory);
    throw new UserError(`${path}: is missing; expected a Hugging Face model directory`);
  }
  return {
    config,
    async checkParameters(layout, mayBeMissing = []) {
      await using files = await openWeightFiles(directory);
      storedTensors(layout, files, mayBeMissing);
    },
    async readParameters(layout, memoryOf, mayBeMissing = []) {
      await using files = await openWeightFiles(directory);
      const tensors = storedTensors(layout, files, mayBeMissing);
      for (const { file, stored, tensor } of tensors) {
        const values = await memoryOf(tensor);
        const { name, shape } = tensor;
        const look = (part: Float32Array, at: number) =>
          refuseNotFinite(part, { at, shape, what: `${file.path}: tensor "${stored}"` });
        await file.read(stored, values, { look });
        if (name === embedding) await refuseDifferentHead(layout, files, values);
      }
    },
  };
}

/** The tensors of a layout with the files that hold them, all of them compared with their headers. */
function storedTensors<Tensor extends FlatTensor>(
  layout: FlatLayout<Tensor>,
  files: WeightFiles,
  mayBeMissing: readonly string[],
) {
  refuseUnexpected(layout, files);
  return layout.tensors.flatMap((tensor) => {
    const { name, shape } = tensor;
    const stored = storedName(name, layout, files);
    const file = files.fileOf.get(stored);
    if (file === undefined) {
      if (mayBeMissing.includes(name)) return [];
      throw new UserError(`${files.directory}: the weights lack the tensor "${name}" of shape ${shapeText(shape)}`);
    }
    const found = file.tensors.get(stored)!.shape;
    if (shapeText(found) !== shapeText(shape))
      throw new UserError(
        `${file.path}: tensor "${stored}" has shape ${shapeText(found)}; config.json asks for ${shapeText(shape)}`,
      );
    file.refuseOtherTypes(stored);
    return [{ tensor, stored, file }];
  });
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
    throw new UserError(
      `${file.path}: unexpected tensor "${name}"; config.json describes no such tensor${meaningOf(name, known)}`,
    );
  }
}

/** What is known to write tensors under such a name. */
function meaningOf(name: string, known: ReadonlySet<string>): string {
  if (name === scalarHead) return ': a reward model is no language model';
  if (/\.lora_[AB]\.|\.lora_magnitude_vector/.test(name)) return ': the weights of a LoRA adapter, merge it first';
  const prefix = Object.keys(wrappers).find((start) => name.startsWith(start));
  if (prefix !== undefined)
    return `: "${prefix}" comes from ${wrappers[prefix]}; save the model inside it, without the prefix`;
  if (known.has(`model.${name}`))
    return ': without "model." in front it is a bare decoder, saved from AutoModel; save AutoModelForCausalLM';
  return '';
}

const wrappers: Readonly<Record<string, string>> = {
  '_orig_mod.': 'torch.compile',
  'module.': 'DistributedDataParallel or DataParallel',
  '_fsdp_wrapped_module.': 'FullyShardedDataParallel',
  'base_model.model.': 'a PEFT adapter',
};

/**
 * @param part of a tensor, from its element `at` on
 * @param where.shape of the tensor, row-major
 * @param where.what names the tensor in the message
 */
function refuseNotFinite(
  part: Float32Array,
  { at, shape, what }: { at: number; shape: readonly number[]; what: string },
) {
  const bad = firstNotFinite(part);
  if (bad < 0) return;
  let rest = at + bad;
  const index = shape.toReversed().map((dimension) => {
    const place = rest % dimension;
    rest = Math.floor(rest / dimension);
    return place;
  });
  throw new UserError(`${what} holds ${part[bad]} at ${shown(index.toReversed())}; expected finite weights`);
}

/** A stored head that says something else than the embedding it should be tied to would be lost in silence. */
async function refuseDifferentHead(layout: FlatLayout, { fileOf }: WeightFiles, embeddings: Float32Array) {
  const file = fileOf.get(lmHead);
  if (file === undefined || !isTied(layout) || !fileOf.has(embedding)) return;
  const { size } = file.tensors.get(lmHead)!;
  let equal = size === embeddings.length;
  const head = new Float32Array(1 << 20);
  for (let at = 0; equal && at < size; at += head.length) {
    const piece = head.subarray(0, size - at);
    await file.read(lmHead, piece, { from: at });
    equal = sameBits(piece, embeddings.subarray(at, at + piece.length));
  }
  if (equal) return;
  throw new UserError(
    `${file.path}: "${lmHead}" differs from "${embedding}", but config.json says tie_word_embeddings: true`,
  );
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return bytesOf(a).equals(bytesOf(b));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function isTied(layout: FlatLayout): boolean {
  return !layout.tensors.some(({ name }) => name === lmHead || name === scalarHead);
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
