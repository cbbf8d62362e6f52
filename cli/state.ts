import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { R1Pipeline } from '../operator/api/pipeline.ts';
import type { R1Stage } from '../operator/api/stage.ts';
import { UserError } from '../trainer/contract/errors.ts';

/** Names of the pipelines that have run here, sorted. */
export async function pipelineNames(stateDirectory: string): Promise<string[]> {
  const entries = await readdir(stateDirectory, { withFileTypes: true }).catch(ignoreMissing);
  const directories = (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const read = await Promise.all(directories.map((name) => readResource(join(stateDirectory, name, 'pipeline.json'))));
  return directories.filter((_, index) => read[index] !== undefined).toSorted();
}

/** @throws UserError that names the pipelines there are */
export async function readPipeline(stateDirectory: string, name: string): Promise<R1Pipeline> {
  const path = join(stateDirectory, name, 'pipeline.json');
  const pipeline = isName(name) ? await readResource<R1Pipeline>(path) : undefined;
  if (pipeline) return pipeline;
  const names = await pipelineNames(stateDirectory);
  const known = names.length > 0 ? `known: ${names.join(', ')}` : 'no pipeline has run there; start one with r1 run';
  throw new UserError(`pipeline "${name}" not found in ${stateDirectory}; ${known}`);
}

/** Stages that were created so far, in the order of the manifest. */
export async function readStages(stateDirectory: string, pipeline: R1Pipeline): Promise<R1Stage[]> {
  const directory = join(stateDirectory, pipeline.metadata.name, 'stages');
  const stages = await Promise.all(
    pipeline.spec.stages.map(({ name }) => readResource<R1Stage>(join(directory, `${name}.json`))),
  );
  return stages.filter((stage) => stage !== undefined);
}

/** @throws UserError that names the stages there are */
export function requireStage(pipeline: R1Pipeline, name: string): void {
  const names = pipeline.spec.stages.map((stage) => stage.name);
  if (names.includes(name)) return;
  throw new UserError(`pipeline ${pipeline.metadata.name} has no stage "${name}"; known: ${names.join(', ')}`);
}

/** Where logs, checkpoints and the report of a pipeline are. */
export function pipelineDirectory(stateDirectory: string, name: string): string {
  return join(stateDirectory, name);
}

function isName(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
}

async function readResource<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new UserError(`${path}: is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
