import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BaseModel } from '../../trainer/contract/model.ts';
import type { ManifestProblem } from '../api/manifest.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import { findInHubCache } from './hub-cache.ts';

/** Looks whether the files that a pipeline names are on this machine; paths are relative to the manifest. */
export async function checkFiles(pipeline: R1Pipeline, manifestFile: string): Promise<ManifestProblem[]> {
  const folder = dirname(resolve(manifestFile));
  const problems: ManifestProblem[] = [];
  const report = (path: string, found: string, expected: string): void => {
    const message = `${path}: found ${found}, expected ${expected}`;
    problems.push({ file: manifestFile, document: 0, path, found, expected, message });
  };
  const wantFile = async (path: string, file: string | undefined): Promise<void> => {
    if (file === undefined) return;
    const absolute = resolve(folder, file);
    const kind = await kindOf(absolute);
    if (kind !== 'a file') report(path, `${kind} at ${absolute}`, 'a JSONL file');
  };
  const wantModel = async (path: string, model: Partial<BaseModel> | undefined): Promise<void> => {
    if (model?.path !== undefined) {
      const absolute = resolve(folder, model.path);
      const kind = await kindOf(absolute);
      if (kind !== 'a directory') report(`${path}.path`, `${kind} at ${absolute}`, 'a Hugging Face directory');
      else if ((await kindOf(join(absolute, 'config.json'))) !== 'a file') {
        report(`${path}.path`, `a directory without config.json at ${absolute}`, 'a Hugging Face directory');
      }
    }
    if (model?.hf !== undefined && findInHubCache(model.hf) === undefined) {
      const { repo, revision } = model.hf;
      const command = `hf download ${repo}${revision === 'main' ? '' : ` --revision ${revision}`}`;
      report(`${path}.hf`, `${repo} not in the Hugging Face cache of this machine`, `it there (${command}), or a path`);
    }
    if (model?.pvc !== undefined)
      report(`${path}.pvc`, `claim ${model.pvc.claim}`, 'a path, as claims exist on clusters only');
  };

  const { datasets, base, stages } = pipeline.spec;
  for (const [index, { jsonl, heldOut }] of datasets.entries()) {
    await wantFile(`spec.datasets[${index}].jsonl`, jsonl);
    await wantFile(`spec.datasets[${index}].heldOut.jsonl`, heldOut?.jsonl);
  }
  await wantModel('spec.base', base);
  for (const [index, { model }] of stages.entries()) await wantModel(`spec.stages[${index}].model`, model);
  return problems;
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
