import { dirname, join } from 'node:path';
import { z } from 'zod';
import { chunksDirectory } from '../../checkpoint/take-over.ts';
import { readManifest } from '../../checkpoint/manifest.ts';
import { namesIn } from '../../checkpoint/names-in.ts';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { learnedFilesName } from '../../contract/files/checkpoint.ts';
import type { Writer } from '../../contract/files/directory-lock.ts';
import { tellsApart } from '../../contract/settings/digest-version.ts';
import { UserError } from '../../contract/process/errors.ts';
import { readJsonObject } from '../../contract/files/input-file.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { DecidingSettings, FileContent } from './settings-digest.ts';

/** `learned-files.json` of a stage's directory. */
const record = z.object({
  /** `DecidingSettings.withoutData`. */
  settings: z.string(),
  /** By dataset, or by the path of a reward. `stage` is the first that learned from it. */
  files: z.record(z.string(), z.object({ stage: z.string(), bytes: z.number(), sha256: z.string() })),
});
type LearnedFrom = z.infer<typeof record>;

const mostRecordBytes = 1_000_000;

/**
 * Refuses data and rewards of one's own that changed under a pipeline: another attempt of this stage has saved work that was learned from other
 * files, or a stage before it learned from other ones under the same name. Nothing else would tell: on a cluster nobody but
 * the trainer sees what a file holds. What all learned from is noted in `out` for those that follow.
 *
 * @throws UserError that names the file, what was found and expected, and the ways on
 */
export async function requireSameData(file: StageFile, settings: DecidingSettings, writer: Writer): Promise<void> {
  const before = await learnedBefore(file);
  for (const [name, found] of Object.entries(settings.learned)) {
    const expected = before[name];
    if (expected !== undefined && expected.sha256 !== found.sha256) throw changed(file, name, found, expected);
  }
  for (const directory of attemptsOf(file)) {
    const known = await readRecord(directory);
    if (known?.settings !== settings.withoutData) continue;
    const other = Object.entries(settings.learned).find(([name, { sha256 }]) => known.files[name]?.sha256 !== sha256);
    const expected = known.files[other?.[0] ?? ''];
    const work = other && expected && (await savedWork(directory, settings.digest));
    if (other && expected && work) throw changed(file, other[0], other[1], expected, work);
  }
  const own = Object.entries(settings.learned).map(([name, content]) => [name, { stage: file.stage, ...content }]);
  const files: LearnedFrom['files'] = { ...Object.fromEntries(own), ...before };
  if (Object.keys(files).length === 0) return;
  const learned = { settings: settings.withoutData, files };
  await replaceFile(join(file.out, learnedFilesName), `${JSON.stringify(learned)}\n`, writer);
}

/** Its own directory and those of earlier attempts, newest first; a newer attempt may have closed them. */
function attemptsOf({ out, takeOver = [] }: StageFile): string[] {
  return [out, ...takeOver.toReversed().flatMap((earlier) => [earlier, `${earlier}.closed`])];
}

async function learnedBefore({ model, inputs }: StageFile): Promise<LearnedFrom['files']> {
  const paths = [...(model?.input === undefined ? [] : [model.input]), ...Object.values(inputs)].map(
    ({ path }) => path,
  );
  const records = await Promise.all(paths.map((path) => readRecord(dirname(path))));
  return Object.assign({}, ...records.map((each) => each?.files)) as LearnedFrom['files'];
}

async function readRecord(directory: string): Promise<LearnedFrom | undefined> {
  return record.safeParse(await readJsonObject(join(directory, learnedFilesName), mostRecordBytes)).data;
}

/** What an attempt with other settings has saved, in words. */
async function savedWork(directory: string, settingsDigest: string): Promise<string | undefined> {
  const names = await namesIn(directory);
  const steps = names
    .flatMap((name) => /^step-(\d{6,})$/.exec(name)?.[1] ?? [])
    .toSorted((a, b) => Number(b) - Number(a));
  for (const step of steps) {
    const { manifest } = await readManifest(join(directory, `step-${step}`)).catch(() => ({ manifest: undefined }));
    if (manifest !== undefined && tellsApart(manifest.settingsDigest, settingsDigest))
      return `${Number(step)} saved steps`;
  }
  const chunks = names.filter((name) => name.startsWith('chunks-') && name !== chunksDirectory(settingsDigest));
  return chunks.length === 0 ? undefined : 'saved completions';
}

function changed(
  { stage, datasets, pipeline }: StageFile,
  name: string,
  found: FileContent,
  expected: LearnedFrom['files'][string],
  work?: string,
): UserError {
  const data = datasets.find(({ name: each }) => each === name);
  const what = data === undefined ? `reward ${name}` : `dataset ${name} (${data.file})`;
  const otherName = data === undefined ? 'give the new file another name' : 'name the new rows as another dataset';
  const first = work === undefined ? expected.stage : stage;
  const by =
    work === undefined ? `stage ${expected.stage} learned from` : `${work} of stage ${stage} were learned from`;
  return new UserError(
    `${what}: found ${inWords(found)}, expected ${inWords(expected)}, which ${by}: ` +
      `put the file back and try the stage again, run again from ${first} on (r1 run FILE --rerun-from ${first}; ` +
      `on a cluster: r1 rerun ${pipeline} --from ${first}), or ${otherName}`,
  );
}

function inWords({ bytes, sha256 }: FileContent): string {
  return `${bytes} bytes (sha256 ${sha256.slice(0, 16)}…)`;
}
