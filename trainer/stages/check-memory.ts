import { join } from 'node:path';
import { readModelDirectory } from '../checkpoint/model-directory.ts';
import { TrainerError } from '../contract/errors.ts';
import type { FileCheck } from '../contract/file-check.ts';
import { configFromInit, type ModelConfig, parseHfConfig } from '../models/config.ts';
import { usesReference } from './uses-reference.ts';
import { fits, memoryLimit } from './model-fits.ts';

/** Of the byte tokenizer that a fresh model gets: a few rows more or less weigh nothing. */
const freshVocabulary = 300;

/** Why a stage cannot run on this machine; nothing where its model cannot be read, which is told elsewhere. */
export async function memoryProblem(use: FileCheck['uses'][number]): Promise<string | undefined> {
  const config = await configOf(use);
  if (config === undefined) return undefined;
  const { settings, workers } = use;
  const { grpo, pretrain, sft, rewardModel } = settings;
  const head = rewardModel === undefined ? ('lm' as const) : ('scalar' as const);
  const trained = (grpo ?? pretrain ?? sft ?? rewardModel) !== undefined;
  const reference = grpo !== undefined && usesReference(grpo);
  return fits({ config, head, trained, reference, settings, workers }, memoryLimit()).never;
}

async function configOf({ init, directory }: FileCheck['uses'][number]): Promise<ModelConfig | undefined> {
  if (init !== undefined) return configFromInit(init, freshVocabulary);
  if (directory === undefined) return undefined;
  try {
    return parseHfConfig((await readModelDirectory(directory)).config, join(directory, 'config.json'));
  } catch (error) {
    if (error instanceof TrainerError) return undefined;
    throw error;
  }
}
