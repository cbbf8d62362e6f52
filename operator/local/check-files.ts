import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { DatasetUse } from '../../trainer/contract/settings/file-check.ts';
import type { BaseModel } from '../../trainer/contract/settings/model.ts';
import { pyodide } from '../../trainer/contract/settings/own-functions.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import { problemAt, type Path, type ValueProblem } from '../api/check/value-problem.ts';
import type { RunsHere } from './run-options.ts';
import { findInHubCache } from './hub-cache.ts';
import { dataFile, type NamedFile, type NamedFiles, namedFiles } from './named-files.ts';
import { dataDirectoryHint, dataHint, modelHint } from './path-hints.ts';
import { lookInside } from './look-inside.ts';

/**
 * Everything that is wrong with the files that a pipeline names, before its first stage starts: whether they are there,
 * the first rows of data, and everything of a model but the values of its weights.
 *
 * @param spec may have faults; what they leave unclear is not looked at
 * @param here where the pipeline is to run on this machine
 */
export async function fileProblems(spec: unknown, manifestFile: string, here?: RunsHere): Promise<ValueProblem[]> {
  const folder = folderOf(manifestFile);
  const named = namedFiles(spec, folder, here);
  const missing = await missingOf(named, folder);
  const { datasets, models, rewards, rubrics, uses } = named.check;
  // A missing file has been told, and what is inside of the others is still of interest.
  const lost = new Set(missing.map(({ path }) => path.join('.')));
  const lostFiles = new Set(named.files.filter(({ path }) => lost.has(path.join('.'))).map(({ file }) => file));
  const isWhole = ({ rendering }: DatasetUse) => !lostFiles.has(rendering?.chat?.templateFile ?? '');
  const inside = await lookInside({
    datasets: datasets
      .filter(({ path }) => !lost.has([...path, 'file'].join('.')) && !lost.has([...path, 'heldOut', 'file'].join('.')))
      .map(({ uses: all, ...rest }) => ({
        ...rest,
        uses: all.map((use) => (isWhole(use) ? use : { ...use, rendering: undefined })),
      })),
    models: models.filter(({ path }) => !lost.has(path.join('.'))),
    rewards: rewards.filter(({ path }) => !lost.has(path.join('.'))),
    rubrics,
    uses,
  });
  return [...missing, ...inside];
}

/**
 * What is wrong with some of the files that a pipeline names: the first rows of data, rewards of one's own. And with its rubrics.
 *
 * @param files as the manifest names them; datasets of other files are not looked at
 */
export function carriedProblems(
  spec: unknown,
  manifestFile: string,
  files: readonly string[],
): Promise<readonly ValueProblem[]> {
  const folder = folderOf(manifestFile);
  const here = new Set(files.map((file) => resolve(folder, file)));
  const { datasets, rewards, rubrics } = namedFiles(spec, folder).check;
  const allHere = datasets.filter(({ settings: { file, heldOut } }) =>
    [file, heldOut?.file].every((named) => named === undefined || here.has(named)),
  );
  return lookInside({
    datasets: allHere,
    models: [],
    // Another Python than ours, and what it can import, is that of the stage's image.
    rewards: rewards.filter(({ file, python }) => here.has(file) && (python?.interpreter ?? pyodide) === pyodide),
    rubrics,
    uses: [],
  });
}

/** Which files that a pipeline names are missing or of the wrong kind; paths are relative to the manifest. */
export function missingFiles({ spec }: R1Pipeline, manifestFile: string): Promise<ValueProblem[]> {
  const folder = folderOf(manifestFile);
  return missingOf(namedFiles(spec, folder), folder);
}

function folderOf(manifestFile: string): string {
  return dirname(resolve(manifestFile));
}

async function missingOf({ files, directories }: NamedFiles, folder: string): Promise<ValueProblem[]> {
  const problems = await Promise.all([
    ...files.map((named) => fileProblem(named.path, named, folder)),
    ...directories.map(({ path, directory }) => directoryProblem(path, directory, folder)),
  ]);
  return problems.filter((problem) => problem !== undefined);
}

/** Which models a pipeline names that only a cluster, or the Hub, can give. */
export function missingModels({ spec }: R1Pipeline): ValueProblem[] {
  const problems: ValueProblem[] = [];
  for (const { path, model } of modelsOf(spec)) {
    if (model.hf !== undefined && findInHubCache(model.hf) === undefined) {
      const { repo, revision } = model.hf;
      const command = `hf download ${repo}${revision === 'main' ? '' : ` --revision ${revision}`}`;
      const found = `${repo} not in the Hugging Face cache of this machine`;
      problems.push(problemAt([...path, 'hf'], found, `it there (${command}), or a path`));
    }
    if (model.pvc !== undefined) {
      const expected = 'a path, as claims exist on clusters only';
      problems.push(problemAt([...path, 'pvc'], `claim ${model.pvc.claim}`, expected));
    }
  }
  return problems;
}

function modelsOf({ base, stages }: R1Pipeline['spec']): { path: Path; model: Partial<BaseModel> }[] {
  const models = stages.map(({ model }, index) => ({ path: ['spec', 'stages', index, 'model'], model }));
  return [{ path: ['spec', 'base'], model: base }, ...models].flatMap(({ path, model }) =>
    model === undefined ? [] : [{ path, model }],
  );
}

async function fileProblem(
  path: Path,
  { file, expected }: NamedFile,
  folder: string,
): Promise<ValueProblem | undefined> {
  const kind = await kindOf(file);
  if (kind === 'a file') return undefined;
  return problemAt(
    path,
    `${kind} at ${file}`,
    `${expected}${expected === dataFile ? await hintAt(kind, file, folder) : ''}`,
  );
}

async function hintAt(kind: string, file: string, folder: string): Promise<string> {
  if (kind === 'a directory') return dataDirectoryHint(file);
  return kind === 'nothing' ? dataHint(file, folder) : '';
}

async function directoryProblem(path: Path, directory: string, folder: string): Promise<ValueProblem | undefined> {
  const kind = await kindOf(directory);
  if (kind === 'a directory') return undefined;
  const hint = kind === 'nothing' ? await modelHint(directory, folder) : '';
  return problemAt(path, `${kind} at ${directory}`, `a Hugging Face directory${hint}`);
}

async function kindOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'a file';
    return found.isDirectory() ? 'a directory' : 'something else';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : `something unreadable (${code})`;
  }
}
