import { StateDirectory } from '../operator/local/state-directory.ts';
import { UserError } from '../trainer/contract/process/errors.ts';
import { pipelineAndStage } from './pipeline-and-stage.ts';
import { readPipeline, requireStage } from './state.ts';

/**
 * What the trainer was told in the newest attempt of `PIPELINE/STAGE`: the path of its stage file.
 *
 * @throws UserError when it is no such name, or the stage has not run
 */
export async function resolveStageFile(
  argument: string,
  stateDirectory: string,
  expected = 'PIPELINE/STAGE',
): Promise<string> {
  const named = pipelineAndStage(argument);
  if (named === undefined) throw new UserError(`${argument}: expected ${expected}`);
  const [pipeline, stage] = named;
  requireStage(await readPipeline(stateDirectory, pipeline), stage);
  const state = new StateDirectory(stateDirectory, pipeline);
  const attempt = await state.newestAttempt(stage);
  if (attempt === 0) throw new UserError(`${argument}: stage ${stage} of ${pipeline} has not run yet`);
  return state.file(stage, attempt);
}
