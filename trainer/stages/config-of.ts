import { join } from 'node:path';
import { readModelDirectory } from '../checkpoint/model-directory.ts';
import { TrainerError } from '../contract/errors.ts';
import type { ModelInit } from '../contract/model.ts';
import { configFromInit, type ModelConfig, parseHfConfig } from '../models/config.ts';

/** A fresh model, or a directory. */
export interface ModelPlace {
  readonly init?: ModelInit | undefined;
  readonly directory?: string | undefined;
}

/** Of the byte tokenizer that a fresh model gets: a few rows more or less weigh nothing. */
const freshVocabulary = 300;

/** The sizes of a model; nothing where it cannot be read. */
export async function configOf({ init, directory }: ModelPlace): Promise<ModelConfig | undefined> {
  if (init !== undefined) return configFromInit(init, freshVocabulary);
  if (directory === undefined) return undefined;
  try {
    return parseHfConfig((await readModelDirectory(directory)).config, join(directory, 'config.json'));
  } catch (error) {
    if (error instanceof TrainerError) return undefined;
    throw error;
  }
}
