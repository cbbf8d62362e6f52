import { join } from 'node:path';
import { readModelDirectory } from '../checkpoint/model-directory.ts';
import type { ChatSettings } from '../contract/chat.ts';
import { UserError } from '../contract/errors.ts';
import { configFromInit, type Head, type ModelConfig, parseHfConfig } from '../models/config.ts';
import { initializeTensor, initialParameters, parameterLayout } from '../models/parameters.ts';
import { writeByteTokenizer } from '../tokenizers/byte-tokenizer.ts';
import { checkVocabulary, loadTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import type { Workspace } from './workspace.ts';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** Directory whose tokenizer files every checkpoint copies. */
  readonly tokenizerDirectory: string;
  /** Flat, in the order of the layout. */
  readonly parameters: Float32Array;
}

/** Asked before memory is taken for the weights; throws if there is too little. */
type MemoryCheck = (config: ModelConfig) => void;

interface LoadOptions {
  readonly chat?: ChatSettings | undefined;
  readonly checkMemory?: MemoryCheck | undefined;
}

/** The model that a stage starts from: of an earlier stage, of a directory, or a fresh one. */
export async function loadStartingModel(
  workspace: Workspace,
  head: Head,
  checkMemory: MemoryCheck,
): Promise<LoadedModel> {
  const { model, out, seed, stage, chat } = workspace.file;
  const options = { chat, checkMemory };
  if (model?.input) return loadModel(await workspace.inputs.verified(model.input), head, seed, options);
  if (model?.path) return loadModel(model.path, head, seed, options);
  if (!model?.init) throw new UserError(`stage ${stage}: the stage file names no model to start from`);

  const tokenizerDirectory = join(out, 'tokenizer');
  await writeByteTokenizer(tokenizerDirectory);
  const tokenizer = await loadTokenizer(tokenizerDirectory, chat);
  const config = configFromInit(model.init, tokenizer.vocabularySize);
  try {
    checkMemory(config);
  } catch (error) {
    await tokenizer.close();
    throw error;
  }
  const parameters = initialParameters(parameterLayout(config, head), config, seed);
  return { config, head, tokenizer, tokenizerDirectory, parameters };
}

/**
 * A checkpoint or any Hugging Face directory.
 *
 * @param seed of a scalar head's initial weights, where the directory has none
 */
export async function loadModel(
  directory: string,
  head: Head,
  seed: number,
  { chat, checkMemory }: LoadOptions = {},
): Promise<LoadedModel> {
  const model = await readModelDirectory(directory); // what is no model at all says so first
  const config = parseHfConfig(model.config, join(directory, 'config.json'));
  const tokenizer = await loadTokenizer(directory, chat);
  try {
    checkVocabulary(tokenizer, config.vocabularySize, directory);
    const layout = parameterLayout(config, head);
    const fresh = layout.tensors.filter(({ name }) => name === 'score.weight');
    const mayBeMissing = fresh.map(({ name }) => name);
    await model.checkParameters(layout, mayBeMissing); // before memory of the size that config.json asks for is taken
    checkMemory?.(config);
    const into = new Float32Array(new SharedArrayBuffer(layout.size * Float32Array.BYTES_PER_ELEMENT));
    for (const tensor of fresh) initializeTensor(into, tensor, config, seed); // what the directory has comes over it
    const parameters = await model.readParameters(layout, { into, mayBeMissing });
    return { config, head, tokenizer, tokenizerDirectory: directory, parameters };
  } catch (error) {
    await tokenizer.close();
    throw error;
  }
}
