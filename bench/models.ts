import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseHfConfig } from '../trainer/models/config.ts';
import { modelConfig, type ModelSizes } from './workload.ts';

const run = promisify(execFile);

/** A model that both sides read. */
export interface BenchModel {
  readonly model: string;
  readonly tokenizer: string;
  readonly vocabulary: number;
  readonly stopId: number;
}

/** Has transformers write a model with random weights. */
export async function writeModel(python: string, directory: string, sizes: Partial<ModelSizes>): Promise<BenchModel> {
  const config = { ...modelConfig, ...sizes };
  await callWriter(python, directory, { seed: 0, config });
  const { vocab_size: vocabulary, eos_token_id: stopId } = config;
  return { model: directory, tokenizer: directory, vocabulary: Number(vocabulary), stopId: Number(stopId) };
}

/** A model that is there; its tokenizer is replaced by one whose texts are ids, in `directory`. */
export async function useModel(python: string, directory: string, model: string): Promise<BenchModel> {
  const path = join(model, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as { eos_token_id?: number | number[] };
  const { vocabularySize: vocabulary } = parseHfConfig(config, path);
  const stopId = [config.eos_token_id ?? 1].flat()[0] ?? 1;
  await callWriter(python, directory, {
    config: { vocab_size: vocabulary, eos_token_id: stopId },
    tokenizerOnly: true,
  });
  return { model, tokenizer: directory, vocabulary, stopId };
}

async function callWriter(python: string, directory: string, settings: object): Promise<void> {
  const file = `${directory}.settings.json`;
  await writeFile(file, JSON.stringify(settings));
  await run(python, [join(import.meta.dirname, 'peers/model.py'), file, directory]);
}
