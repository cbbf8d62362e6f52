import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { describeModel } from '../checkpoint/model-files.ts';
import type { DatasetSettings } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { StageFile } from '../contract/stage-file.ts';

/**
 * Digest of everything that decides the result: files by their content; not the attempt, the directories or the number of
 * workers. So the same manifest has the same settings digest on another machine.
 *
 * @throws UserError if a file cannot be read
 */
export async function settingsDigest(file: StageFile): Promise<string> {
  const { settings, seed, stage, chat, evaluation, inputs } = file;
  const pins = Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest]));
  const datasets = await Promise.all(file.datasets.map(datasetByContent));
  const content = { stage, seed, settings, chat, datasets, evaluation, start: await startByContent(file.model), pins };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

async function datasetByContent(dataset: DatasetSettings): Promise<unknown> {
  const { jsonl, heldOut, ...rest } = dataset;
  return {
    ...rest,
    ...(jsonl !== undefined && { jsonl: await fileDigest(jsonl) }),
    ...(heldOut && { heldOut: { ...heldOut, ...(heldOut.jsonl && { jsonl: await fileDigest(heldOut.jsonl) }) } }),
  };
}

async function startByContent(model: StageFile['model']): Promise<unknown> {
  if (model?.input) return model.input.digest;
  return model?.path === undefined ? model?.init : describeModel(model.path);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new UserError(`${path}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return hash.digest('hex');
}
