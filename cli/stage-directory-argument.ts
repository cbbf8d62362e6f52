import { stat } from 'node:fs/promises';
import { StateDirectory } from '../operator/local/state-directory.ts';
import { UserError } from '../trainer/contract/errors.ts';
import { readPipeline, requireStage } from './state.ts';

/** The directory of a stage, which is given or found by `PIPELINE/STAGE` of the local state. @throws UserError when it is neither */
export async function resolveStageDirectory(argument: string, stateDirectory: string): Promise<string> {
  const isDirectory = await stat(argument).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) return argument;
  const [pipeline, stage, ...more] = argument.split('/');
  if (!pipeline || !stage || more.length > 0) {
    throw new UserError(`${argument}: found no such directory, expected the directory of a stage, or PIPELINE/STAGE`);
  }
  requireStage(await readPipeline(stateDirectory, pipeline), stage);
  return new StateDirectory(stateDirectory, pipeline).volume(stage);
}
