import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BaseModel } from '../../trainer/contract/model.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import { problemAt, type Path, type ValueProblem } from '../api/value-problem.ts';
import { findInHubCache } from './hub-cache.ts';

/** Which files that a pipeline names are missing or of the wrong kind; paths are relative to the manifest. */
export async function missingFiles({ spec }: R1Pipeline, manifestFile: string): Promise<ValueProblem[]> {
  const folder = dirname(resolve(manifestFile));
  const wanted: Promise<ValueProblem | undefined>[] = [];
  const wantFile = (path: Path, file: string | undefined): void => {
    if (file !== undefined) wanted.push(fileProblem(path, resolve(folder, file)));
  };
  for (const [index, { jsonl, heldOut }] of spec.datasets.entries()) {
    wantFile(['spec', 'datasets', index, 'jsonl'], jsonl);
    wantFile(['spec', 'datasets', index, 'heldOut', 'jsonl'], heldOut?.jsonl);
  }
  for (const { path, model } of modelsOf(spec)) {
    if (model.path !== undefined) wanted.push(modelProblem([...path, 'path'], resolve(folder, model.path)));
  }
  return (await Promise.all(wanted)).filter((problem) => problem !== undefined);
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

async function fileProblem(path: Path, file: string): Promise<ValueProblem | undefined> {
  const kind = await kindOf(file);
  return kind === 'a file' ? undefined : problemAt(path, `${kind} at ${file}`, 'a JSONL file');
}

async function modelProblem(path: Path, directory: string): Promise<ValueProblem | undefined> {
  const expected = 'a Hugging Face directory';
  const kind = await kindOf(directory);
  if (kind !== 'a directory') return problemAt(path, `${kind} at ${directory}`, expected);
  if ((await kindOf(join(directory, 'config.json'))) === 'a file') return undefined;
  return problemAt(path, `a directory without config.json at ${directory}`, expected);
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
