import { realpath } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { lockHolder } from '../../trainer/contract/files/directory-lock.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import { type Approval, afterApproval, requireOpenGate, withApprovals } from '../core/pipeline/approval.ts';
import { interrupted } from './resume.ts';
import { StateDirectory } from './state-directory.ts';

export interface PipelineState {
  readonly pipeline: R1Pipeline;
  /** Those that were created, in the order of the manifest. */
  readonly stages: R1Stage[];
  /** The process that runs it now, in words. */
  readonly runner: string | undefined;
}

/** What is known of a pipeline on this machine; nothing if it never ran here. */
export async function readPipelineState(stateDir: string, name: string): Promise<PipelineState | undefined> {
  const state = new StateDirectory(await realpath(stateDir).catch(() => stateDir), name);
  const read = await state.readPipeline();
  if (read === undefined) return undefined;
  const pipeline = withApprovals(read, await state.approved());
  const stages: R1Stage[] = [];
  for (const each of pipeline.spec.stages) {
    const stage = await state.readStage(each.name);
    if (stage !== undefined) stages.push(stage);
  }
  const runner = await lockHolder(state.lock);
  if (runner !== undefined || pipeline.status === undefined) return { pipeline, stages, runner };
  // A runner that was killed could not say so itself.
  const status = interrupted(pipeline.status, 'nothing runs it; run it again to go on');
  return { pipeline: { ...pipeline, status }, stages, runner };
}

/**
 * Lets a pipeline go on behind a gate that waits for a person, whether it is being run or not.
 *
 * @returns what happened, in words
 * @throws UserError when no person is asked at this gate, or it has been decided, or it is an exception without a reason
 */
export async function approveGate(
  stateDir: string,
  pipeline: PipelineState,
  stage: string,
  because?: string,
): Promise<string> {
  requireOpenGate(pipeline.pipeline, stage, because);
  const { name } = pipeline.pipeline.metadata;
  await new StateDirectory(stateDir, name).approve(stage, { ...whoAmI(), ...(because !== undefined && { because }) });
  const goesOn = pipeline.runner === undefined ? 'the next r1 run goes on' : `${pipeline.runner} goes on`;
  return afterApproval(pipeline.pipeline, stage, goesOn);
}

/** The user of the system; none where it knows no name for the number, as in a container. */
function whoAmI(): Approval {
  try {
    return { by: userInfo().username };
  } catch {
    return {};
  }
}
