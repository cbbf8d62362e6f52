import { join } from 'node:path';
import { readModelDirectory } from '../../checkpoint/model-directory.ts';
import { readAdapter } from '../../checkpoint/adapter-directory.ts';
import type { ChatSettings } from '../../contract/settings/chat.ts';
import { adapterDirectory } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import { loraOf } from '../../contract/settings/settings.ts';
import type { LoraSettings, Precision } from '../../contract/settings/training.ts';
import type { WriteTensors } from '../../engine/backend.ts';
import { configFromInit, type Head, type ModelConfig, parseHfConfig } from '../../models/config.ts';
import { initializeTensor, parameterLayout } from '../../models/parameters.ts';
import { requireOneLabel } from '../../models/sequence-classifier.ts';
import { writeByteTokenizer } from '../../tokenizers/byte-tokenizer.ts';
import { checkVocabulary, loadTokenizer, type Tokenizer } from '../../tokenizers/tokenizer.ts';
import type { Workspace } from '../workspace/workspace.ts';

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** Directory whose tokenizer files every checkpoint copies. */
  readonly tokenizerDirectory: string;
  /**
   * Reads or makes them, where an engine wants them.
   *
   * @throws UserError for weights that are not finite
   */
  readonly parameters: WriteTensors;
}

/** Asked before memory is taken for the weights; throws if there is too little. */
type MemoryCheck = (config: ModelConfig) => void;

interface LoadOptions {
  /** Adapters that are put on its linear maps, fresh ones. */
  readonly lora?: LoraSettings | undefined;
  readonly chat?: ChatSettings | undefined;
  /** f32 when absent. */
  readonly precision?: Precision | undefined;
  readonly checkMemory?: MemoryCheck | undefined;
  /** A scalar head must be there; else one that is not is fresh. */
  readonly headIsThere?: boolean;
}

/** The model that a stage starts from: of an earlier stage, of a directory, or a fresh one. */
export async function loadStartingModel(
  workspace: Workspace,
  head: Head,
  checkMemory: MemoryCheck,
): Promise<LoadedModel> {
  const { model, out, seed, stage, chat, precision, settings } = workspace.file;
  const lora = loraOf(settings);
  const headIsThere = settings.rewardModel?.epochs === 0;
  const options = { lora, chat, precision, checkMemory, headIsThere };
  if (model?.input) return loadModel(await workspace.inputs.verified(model.input), head, seed, options);
  if (model?.path) return loadModel(model.path, head, seed, options);
  if (!model?.init) throw new UserError(`stage ${stage}: the stage file names no model to start from`);

  const tokenizerDirectory = join(out, 'tokenizer');
  await writeByteTokenizer(tokenizerDirectory);
  const tokenizer = await loadTokenizer(tokenizerDirectory, chat);
  const config = { ...configFromInit(model.init, tokenizer.vocabularySize), lora, precision };
  try {
    checkMemory(config);
  } catch (error) {
    await tokenizer.close();
    throw error;
  }
  const parameters: WriteTensors = async (memoryOf) => {
    for (const tensor of parameterLayout(config, head).tensors) {
      initializeTensor(await memoryOf(tensor), tensor, config, seed);
    }
  };
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
  { lora, chat, precision, checkMemory, headIsThere = false }: LoadOptions = {},
): Promise<LoadedModel> {
  const model = await readModelDirectory(directory); // what is no model at all says so first
  if (headIsThere) requireOneLabel(model.config, join(directory, 'config.json'));
  const stored = parseHfConfig(model.config, join(directory, 'config.json'));
  const config = { ...stored, lora, precision };
  const tokenizer = await loadTokenizer(directory, chat);
  try {
    checkVocabulary(tokenizer, config.vocabularySize, directory);
    const [layout, storedLayout] = [parameterLayout(config, head), parameterLayout(stored, head)];
    const mayBeMissing = headIsThere ? [] : ['score.weight'];
    await model.checkParameters(storedLayout, mayBeMissing); // before memory of the size that config.json asks for is taken
    checkMemory?.(config);
    const fresh = layout.tensors.filter(
      ({ name, offset }) => mayBeMissing.includes(name) || offset >= storedLayout.size,
    );
    const parameters: WriteTensors = async (memoryOf) => {
      for (const tensor of fresh) initializeTensor(await memoryOf(tensor), tensor, config, seed);
      await model.readParameters(storedLayout, memoryOf, mayBeMissing); // what the directory has comes over it
    };
    return { config, head, tokenizer, tokenizerDirectory: directory, parameters };
  } catch (error) {
    await tokenizer.close();
    throw error;
  }
}

/**
 * A model of this stage as one of its checkpoints left it. With adapters it is put together anew, from what the stage started from, which
 * its settings pin, and the adapters: merging rounds.
 */
export async function loadSavedModel(
  workspace: Workspace,
  checkpoint: string,
  head: Head,
  checkMemory: MemoryCheck,
): Promise<LoadedModel> {
  const { settings, seed, chat, precision } = workspace.file;
  if (loraOf(settings) === undefined) return loadModel(checkpoint, head, seed, { chat, precision, checkMemory });
  const model = await loadStartingModel(workspace, head, checkMemory);
  const trained = parameterLayout(model.config, head).tensors.filter((tensor) => tensor.trained);
  return {
    ...model,
    async parameters(memoryOf) {
      await model.parameters(memoryOf);
      await readAdapter(join(checkpoint, adapterDirectory), trained, memoryOf);
    },
  };
}
