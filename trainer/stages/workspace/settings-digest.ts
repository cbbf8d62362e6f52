import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { describeModel } from '../../checkpoint/model-files.ts';
import { settingsOfWeights, whyNotLonger } from '../../contract/settings/continuation.ts';
import type { DatasetSettings } from '../../contract/settings/dataset.ts';
import { tellsApart, versioned } from '../../contract/settings/digest-version.ts';
import { UserError } from '../../contract/process/errors.ts';
import { foundInstead } from '../../contract/process/found-instead.ts';
import { mapRewardFiles, mapVerifierFile, rewardFiles, verifierFiles } from '../../contract/settings/reward-files.ts';
import { dataOf } from '../../contract/settings/settings.ts';
import { stageFile, type StageFile } from '../../contract/settings/stage-file.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { withoutDefaults } from '../../contract/settings/without-defaults.ts';

/** What a file holds. */
export interface FileContent {
  readonly bytes: number;
  readonly sha256: string;
}

/** What decides the weights or rows of a stage. */
export interface DecidingSettings {
  /**
   * SHA-256 of everything that decides them: files by their content; not the attempt, the directories or the number of
   * workers, nor how the result is measured. So the same manifest has the same digest on another machine.
   */
  readonly digest: string;
  /** The text that `digest` is the SHA-256 of: see `trainer/contract/files/provenance.ts`. */
  readonly text: string;
  /** The same without what the files of `learned` hold. */
  readonly withoutData: string;
  /**
   * What the files hold that the stage learns from: data by dataset, without held-out rows of a file of their own; rewards of one's own by
   * path, which begins with a slash.
   */
  readonly learned: Readonly<Record<string, FileContent>>;
}

/** @throws UserError if a file cannot be read */
export async function decidingSettings(given: StageFile): Promise<DecidingSettings> {
  const file = asked(given);
  const { seed, stage, chat, precision, inputs } = file;
  const pins = Object.fromEntries(Object.entries(inputs).map(([name, { digest }]) => [name, digest]));
  const data = namedDatasets(file, dataOf(file.settings));
  const ownFiles = [...new Set([...rewardFiles(given.settings), ...verifierFiles(data)])];
  const learned = { ...(await learnedFiles(data)), ...(await contentsOf(ownFiles)) };
  const start = await startByContent(file.model);
  const decontaminate = await Promise.all(decontaminatedFor(file).map(wholeContent));
  const guard = await Promise.all(namedDatasets(file, file.settings.grpo?.guard?.data ?? []).map(wholeContent));
  const textWith = (contentOf: (name: string) => string | undefined): string => {
    const byContent = mapRewardFiles(file.settings, (path) => contentOf(path) ?? '');
    const settings = settingsOfWeights(byContent, whyNotLonger(given.settings));
    const datasets = data.map((dataset) => ({
      ...withoutFiles(mapVerifierFile(dataset, (path) => contentOf(path) ?? '')),
      ...(dataset.file !== undefined && { file: contentOf(dataset.name) }),
    }));
    const content = { stage, seed, settings, chat, precision, datasets, start, pins };
    const heldOut = { ...(decontaminate.length > 0 && { decontaminate }), ...(guard.length > 0 && { guard }) };
    return JSON.stringify({ ...content, ...heldOut });
  };
  const text = textWith((name) => learned[name]?.sha256);
  return { digest: versioned(sha256Of(text)), text, withoutData: versioned(sha256Of(textWith(() => ''))), learned };
}

/** @throws UserError if the settings are not those that the stage file says they must be */
export function requireToldSettings({ stage, settingsDigest }: StageFile, { digest }: DecidingSettings): void {
  if (settingsDigest === undefined || !tellsApart(settingsDigest, digest)) return;
  throw new UserError(
    `stage ${stage}: its settings, with what its files hold, have the digest ${digest}; expected ${settingsDigest}`,
  );
}

/** Digest of everything but the model that decides the figures of an evaluation. */
export async function evaluationDigest(given: StageFile, evaluation: EvaluationSettings): Promise<string> {
  const file = asked({ ...given, evaluation });
  const { every: _, ...settings } = file.evaluation ?? evaluation;
  const { seed, chat, precision, trainedOn } = file;
  return digestOf({
    seed,
    settings,
    chat,
    precision,
    trainedOn,
    datasets: await Promise.all(namedDatasets(file, settings.data).map(wholeContent)),
  });
}

/** SHA-256 of all of a dataset, held-out rows included. */
export async function datasetDigest(dataset: DatasetSettings, seed: number): Promise<string> {
  return digestOf({ dataset: await wholeContent(dataset), ...(dataset.generator && { seed }) });
}

/** Datasets with whose held-out rows those of a sample stage must share nothing. */
export function decontaminatedFor(file: StageFile): DatasetSettings[] {
  return namedDatasets(file, file.settings.sample?.decontaminate ?? []);
}

/** Digest of the model that a stage starts from; an earlier stage's is that of its checkpoint. */
export async function startDigest(file: StageFile): Promise<string> {
  const { model } = asked(file);
  return model?.input?.digest ?? digestOf(await startByContent(model));
}

/** Without the defaults, so that one more setting that has one changes no digest. */
function asked(file: StageFile): StageFile {
  return { ...file, ...stripped(file) };
}

const stripped = withoutDefaults(stageFile);

function digestOf(content: object | undefined): string {
  return sha256Of(JSON.stringify(content ?? {}));
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function learnedFiles(datasets: readonly DatasetSettings[]): Promise<Record<string, FileContent>> {
  const read = datasets.map(async ({ name, file }) =>
    file === undefined ? [] : [[name, await readContent(file)] as const],
  );
  return Object.fromEntries((await Promise.all(read)).flat());
}

async function contentsOf(paths: readonly string[]): Promise<Record<string, FileContent>> {
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await readContent(path)] as const)));
}

function namedDatasets({ datasets }: StageFile, names: readonly string[]): DatasetSettings[] {
  return datasets.filter(({ name }) => names.includes(name));
}

function withoutFiles(dataset: DatasetSettings): object {
  const { file: _file, ...rest } = dataset;
  return { ...rest, ...(rest.heldOut && { heldOut: { ...rest.heldOut, file: undefined } }) };
}

async function wholeContent(dataset: DatasetSettings): Promise<object> {
  const { file, heldOut } = dataset;
  const verifiers = await contentsOf(verifierFiles([dataset]));
  return {
    ...withoutFiles(mapVerifierFile(dataset, (path) => verifiers[path]?.sha256 ?? '')),
    ...(file !== undefined && { file: (await readContent(file)).sha256 }),
    ...(heldOut?.file !== undefined && { heldOutFile: (await readContent(heldOut.file)).sha256 }),
  };
}

async function startByContent(model: StageFile['model']): Promise<object | undefined> {
  if (model?.input) return { digest: model.input.digest };
  return model?.path === undefined ? model?.init : describeModel(model.path);
}

async function readContent(path: string): Promise<FileContent> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    throw new UserError(`${path}: cannot be read: found ${foundInstead(error)}`, { cause: error });
  }
  return { bytes, sha256: hash.digest('hex') };
}
