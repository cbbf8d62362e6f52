import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { resultName } from '../trainer/contract/files/checkpoint.ts';
import { UserError } from '../trainer/contract/process/errors.ts';
import { type StageResult, stageResult } from '../trainer/contract/files/progress.ts';
import { pipelineAndStage } from './pipeline-and-stage.ts';
import { pipelineNames, readPipeline, requireStage } from './state.ts';

/**
 * The directory that a person means by a checkpoint: a checkpoint or Hugging Face directory, a stage's directory (its
 * final checkpoint), or `PIPELINE/STAGE` of the local state.
 *
 * @throws UserError when it is none of these, or the stage's result is broken
 */
export async function resolveCheckpoint(argument: string, stateDirectory: string): Promise<string> {
  if (await isDirectory(argument)) return (await finalCheckpoint(argument)) ?? argument;

  const named = pipelineAndStage(argument);
  if (named !== undefined) {
    const [pipeline, stage] = named;
    const directory = join(stateDirectory, pipeline, 'volume', stage);
    const checkpoint = await finalCheckpoint(directory);
    if (checkpoint !== undefined) return checkpoint;
    if (await isDirectory(directory)) {
      throw new UserError(`${argument}: stage ${stage} of ${pipeline} has no final checkpoint yet (${directory})`);
    }
  }
  await refuseStageWithout(argument, named ?? [argument], stateDirectory);
  const found = await stat(argument).then(
    () => 'a file',
    () => 'no such directory',
  );
  throw new UserError(
    `${argument}: found ${found}, expected the directory of a checkpoint or model, or PIPELINE/STAGE of the state in ${stateDirectory}`,
  );
}

/** Says of what names a pipeline here why it is no checkpoint. @throws UserError */
async function refuseStageWithout(
  argument: string,
  [name, stage]: readonly [pipeline: string, stage?: string],
  stateDirectory: string,
): Promise<void> {
  if (!(await pipelineNames(stateDirectory)).includes(name)) return;
  const pipeline = await readPipeline(stateDirectory, name);
  if (stage === undefined) {
    const stages = pipeline.spec.stages.map((each) => `${name}/${each.name}`).join(', ');
    throw new UserError(`${argument}: found a pipeline, expected one of its stages: ${stages}`);
  }
  requireStage(pipeline, stage);
  throw new UserError(`${argument}: stage ${stage} of ${name} has not begun yet`);
}

/** Where `result.json` of a stage's directory says its checkpoint lies, unless the directory was moved. */
async function finalCheckpoint(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, resultName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { checkpoint } = parseResult(text, join(directory, resultName));
  const path = checkpoint && join(directory, basename(checkpoint.path));
  return path !== undefined && (await isDirectory(path)) ? path : undefined;
}

function parseResult(text: string, path: string): StageResult {
  try {
    return stageResult.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError(
      `${path}: found ${text.length} characters that are no whole result; name the checkpoint's own directory instead`,
      { cause },
    );
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
