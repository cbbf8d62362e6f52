import { stat } from 'node:fs/promises';
import { StateDirectory } from '../operator/local/state-directory.ts';
import { UserError } from '../trainer/contract/process/errors.ts';
import { pipelineAndStage } from './pipeline-and-stage.ts';
import { readPipeline, requireStage } from './state.ts';

/** The directory of a stage, which is given or found by `PIPELINE/STAGE` of the local state. @throws UserError when it is neither */
export async function resolveStageDirectory(argument: string, stateDirectory: string): Promise<string> {
  const isDirectory = await stat(argument).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) return argument;
  const named = pipelineAndStage(argument);
  if (named === undefined) {
    throw new UserError(`${argument}: found no such directory, expected the directory of a stage, or PIPELINE/STAGE`);
  }
  const [pipeline, stage] = named;
  requireStage(await readPipeline(stateDirectory, pipeline), stage);
  return new StateDirectory(stateDirectory, pipeline).volume(stage);
}
