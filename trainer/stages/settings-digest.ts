import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { describeModel } from '../checkpoint/model-files.ts';
import { settingsOfWeights } from '../contract/continuation.ts';
import type { DatasetSettings } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { foundInstead } from '../contract/found-instead.ts';
import { dataOf } from '../contract/settings.ts';
import type { StageFile } from '../contract/stage-file.ts';
import type { EvaluationSettings } from '../contract/training.ts';

/**
 * Digest of everything that decides the weights or rows: files by their content; not the attempt, the directories or the
 * number of workers, nor how the result is measured. So the same manifest has the same settings digest on another machine.
 *
 * @throws UserError if a file cannot be read
 */
export async function settingsDigest(file: StageFile): Promise<string> {
  const { seed, stage, chat, precision, inputs } = file;
  const pins = Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest]));
  const settings = settingsOfWeights(file.settings);
  const datasets = await datasetsByContent(file, dataOf(file.settings), trainingContent);
  const start = await startByContent(file.model);
  return digestOf({ stage, seed, settings, chat, precision, datasets, start, pins });
}

/** Digest of everything but the model that decides the figures of an evaluation. */
export async function evaluationDigest(file: StageFile, evaluation: EvaluationSettings): Promise<string> {
  const { every: _, ...settings } = evaluation;
  const { seed, chat, precision, trainedOn } = file;
  return digestOf({
    seed,
    settings,
    chat,
    precision,
    trainedOn,
    datasets: await datasetsByContent(file, settings.data, wholeContent),
  });
}

/** Digest of the model that a stage starts from; an earlier stage's is that of its checkpoint. */
export async function startDigest({ model }: StageFile): Promise<string> {
  return model?.input?.digest ?? digestOf(await startByContent(model));
}

function digestOf(content: object | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(content ?? {}))
    .digest('hex');
}

type ByContent = (dataset: DatasetSettings) => Promise<object>;

function datasetsByContent(
  { datasets }: StageFile,
  names: readonly string[],
  byContent: ByContent,
): Promise<readonly object[]> {
  return Promise.all(datasets.filter(({ name }) => names.includes(name)).map(byContent));
}

/** Held-out rows of a file of their own are not learned from. */
const trainingContent: ByContent = async ({ file, ...rest }) => ({
  ...rest,
  ...(rest.heldOut && { heldOut: { ...rest.heldOut, file: undefined } }),
  ...(file !== undefined && { file: await fileDigest(file) }),
});

const wholeContent: ByContent = async (dataset) => {
  const content = await trainingContent(dataset);
  const file = dataset.heldOut?.file;
  return { ...content, ...(file !== undefined && { heldOutFile: await fileDigest(file) }) };
};

async function startByContent(model: StageFile['model']): Promise<object | undefined> {
  if (model?.input) return { digest: model.input.digest };
  return model?.path === undefined ? model?.init : describeModel(model.path);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new UserError(`${path}: cannot be read: found ${foundInstead(error)}`, { cause: error });
  }
  return hash.digest('hex');
}
