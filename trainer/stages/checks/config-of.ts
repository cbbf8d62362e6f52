import { join } from 'node:path';
import { readModelDirectory } from '../../checkpoint/model-directory.ts';
import { TrainerError } from '../../contract/process/errors.ts';
import type { ModelInit } from '../../contract/settings/model.ts';
import type { Precision } from '../../contract/settings/training.ts';
import { configFromInit, type ModelConfig, parseHfConfig } from '../../models/config.ts';
import { precisionOf } from './precision-of.ts';

/** A fresh model, or a directory. */
export interface ModelPlace {
  readonly init?: ModelInit | undefined;
  readonly directory?: string | undefined;
  /** That of the checkpoint when absent. */
  readonly precision?: Precision | undefined;
}

/** Of the byte tokenizer that a fresh model gets: a few rows more or less weigh nothing. */
const freshVocabulary = 300;

/** The sizes of a model; nothing where it cannot be read. */
export async function configOf({ init, directory, precision }: ModelPlace): Promise<ModelConfig | undefined> {
  if (init !== undefined) return { ...configFromInit(init, freshVocabulary), precision };
  if (directory === undefined) return undefined;
  try {
    const config = parseHfConfig((await readModelDirectory(directory)).config, join(directory, 'config.json'));
    return { ...config, precision: precision ?? (await precisionOf(directory)) };
  } catch (error) {
    if (error instanceof TrainerError) return undefined;
    throw error;
  }
}
