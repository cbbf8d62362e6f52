import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { R1Pipeline } from '../operator/api/resources/pipeline.ts';
import { type PipelineState, readPipelineState } from '../operator/local/pipeline-state.ts';
import { StateDirectory } from '../operator/local/state-directory.ts';
import { UserError } from '../trainer/contract/process/errors.ts';

/** Names of the pipelines that have run here, sorted. */
export async function pipelineNames(stateDirectory: string): Promise<string[]> {
  const entries = await entriesOf(stateDirectory);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const pipelines = await Promise.all(names.map((name) => new StateDirectory(stateDirectory, name).readPipeline()));
  return names.filter((_, index) => pipelines[index] !== undefined).toSorted();
}

/** @throws UserError that names the pipelines there are */
export async function readState(stateDirectory: string, name: string): Promise<PipelineState> {
  await entriesOf(stateDirectory); // what is wrong with it is said of it, and not of a file below
  const state = isName(name) ? await readPipelineState(stateDirectory, name) : undefined;
  if (state) return state;
  const names = await pipelineNames(stateDirectory);
  const known = names.length > 0 ? `known: ${names.join(', ')}` : 'no pipeline has run there; start one with r1 run';
  throw new UserError(`pipeline "${name}" not found in ${stateDirectory}; ${known}`);
}

/** @throws UserError that names the pipelines there are */
export async function readPipeline(stateDirectory: string, name: string): Promise<R1Pipeline> {
  return (await readState(stateDirectory, name)).pipeline;
}

/** @throws UserError that names the stages there are */
export function requireStage(pipeline: R1Pipeline, name: string): void {
  const names = pipeline.spec.stages.map((stage) => stage.name);
  if (names.includes(name)) return;
  throw new UserError(`pipeline ${pipeline.metadata.name} has no stage "${name}"; known: ${names.join(', ')}`);
}

/** Where logs, checkpoints and the report of a pipeline are. */
export function pipelineDirectory(stateDirectory: string, name: string): string {
  return new StateDirectory(stateDirectory, name).root;
}

/** @throws UserError when there is something, but no directory that can be read */
async function entriesOf(stateDirectory: string): Promise<Dirent[]> {
  try {
    return await readdir(stateDirectory, { withFileTypes: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new UserError(`${stateDirectory}: found ${message}; expected a directory with local state`, { cause });
  }
}

/** A name of a resource, and nothing that leads out of the directory. */
function isName(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
}
