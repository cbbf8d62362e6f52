import { realpath } from 'node:fs/promises';
import { UserError } from '../../trainer/contract/errors.ts';
import { annotations } from '../api/metadata.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import type { R1Stage } from '../api/stage.ts';
import { interrupted } from './resume.ts';
import { lockHolder } from './run-lock.ts';
import { StateDirectory } from './state-directory.ts';

export interface PipelineState {
  readonly pipeline: R1Pipeline;
  /** Those that were created, in the order of the manifest. */
  readonly stages: R1Stage[];
  /** The process that runs it now. */
  readonly runner: number | undefined;
}

/** What is known of a pipeline on this machine; nothing if it never ran here. */
export async function readPipelineState(stateDir: string, name: string): Promise<PipelineState | undefined> {
  const state = new StateDirectory(await realpath(stateDir).catch(() => stateDir), name);
  const pipeline = await state.readPipeline();
  if (pipeline === undefined) return undefined;
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
 * Lets a pipeline go on behind a gate that waits for a person; the next run sees it.
 *
 * @throws UserError when there is no such gate, or while the pipeline is being run: its runner would not look
 */
export async function approveGate(stateDir: string, name: string, stage: string): Promise<void> {
  const state = new StateDirectory(await realpath(stateDir).catch(() => stateDir), name);
  const pipeline = await state.readPipeline();
  if (pipeline === undefined) throw new UserError(`pipeline "${name}" not found in ${stateDir}`);
  const gates = pipeline.spec.stages.filter(({ gate }) => gate !== undefined).map((each) => each.name);
  if (!gates.includes(stage)) {
    const known = gates.length === 0 ? 'it has no gates' : `expected one of ${gates.join(', ')}`;
    throw new UserError(`pipeline ${name}: found no gate at "${stage}"; ${known}`);
  }
  const runner = await lockHolder(state.lock);
  if (runner !== undefined) {
    throw new UserError(`pipeline ${name}: process ${runner} runs it; approve once it waits for nothing else`);
  }
  const given = pipeline.metadata.annotations ?? {};
  const approved = new Set((given[annotations.approved] ?? '').split(',').filter((each) => each !== ''));
  approved.add(stage);
  const metadata = { ...pipeline.metadata, annotations: { ...given, [annotations.approved]: [...approved].join(',') } };
  await state.writePipeline({ ...pipeline, metadata });
}
