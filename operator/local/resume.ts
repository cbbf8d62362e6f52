import { join } from 'node:path';
import { findCondition, type NewCondition, setCondition, succeededStatus } from '../api/resources/conditions.ts';
import { stateOf } from '../api/display.ts';
import { annotations } from '../api/resources/metadata.ts';
import type { PipelineStatus, R1Pipeline } from '../api/resources/pipeline.ts';
import { decidePipeline } from '../core/pipeline/decide-pipeline.ts';
import { decideStage } from '../core/stage/decide-stage.ts';
import { digestOf } from '../core/names.ts';
import { inputStages } from '../core/pipeline/plan.ts';
import type { LocalShell } from './local-shell.ts';
import type { StateDirectory } from './state-directory.ts';
import { checkpointProblem } from './verify-checkpoint.ts';

/** The pipeline as the manifest asks for it now, with what is known from earlier runs. */
export function adoptPipeline(manifest: R1Pipeline, old: R1Pipeline | undefined, now: number): R1Pipeline {
  const { status, metadata } = old ?? {};
  const changed = old !== undefined && digestOf(old.spec) !== digestOf(manifest.spec);
  const given = { ...metadata?.annotations, ...manifest.metadata.annotations };
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      generation: (metadata?.generation ?? 1) + (changed ? 1 : 0),
      creationTimestamp: metadata?.creationTimestamp ?? new Date(now).toISOString(),
      ...(Object.keys(given).length === 0 ? {} : { annotations: given }),
    },
    status,
  };
}

/** Writes down how attempts ended, and starts nothing: the manifest may have changed what comes next. */
export async function recordEnds(shell: LocalShell): Promise<void> {
  for (const { spec } of shell.stages) {
    const observed = await shell.observeStage(spec.stage);
    if (observed !== undefined) await shell.saveStageStatus(observed, decideStage(observed).status);
  }
}

/** Whoever starts a run again wants failed stages tried again: what failed so far no longer counts. */
export async function forgiveFailures(shell: LocalShell): Promise<void> {
  for (const stage of shell.stages) {
    const { metadata, status } = stage;
    if (status === undefined || succeededStatus(status.conditions) !== 'False') continue;
    const last = status.attempts.at(-1)?.number ?? 0;
    const again: NewCondition = {
      type: 'Succeeded',
      status: 'Unknown',
      reason: 'Pending',
      message: 'is tried again, as the pipeline was started again',
    };
    await shell.writeStage({
      ...stage,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [annotations.forgiven]: String(last) } },
      status: { ...status, conditions: setCondition(status.conditions, again, Date.now(), metadata.generation) },
    });
  }
}

/** Looks whether finished stages that others still need have kept their output. */
export async function findDamage(shell: LocalShell, state: StateDirectory): Promise<void> {
  const finished = new Set(
    shell.stages.filter(({ status }) => succeededStatus(status?.conditions) === 'True').map(({ spec }) => spec.stage),
  );
  const { pipeline } = shell;
  const needed = new Set(
    pipeline.spec.stages
      .filter(({ name }) => !finished.has(name))
      .flatMap((stage) => [
        ...inputStages(stage, pipeline),
        ...(stage.gate?.notBelow ? [stage.gate.notBelow.stage] : []),
      ]),
  );
  for (const { spec, status } of shell.stages) {
    const { stage: name } = spec;
    const checkpoint = status?.checkpoint;
    if (checkpoint === undefined || !finished.has(name) || !needed.has(name)) continue;
    const problem = await checkpointProblem(join(state.volume(name), checkpoint.path), checkpoint.digest);
    if (problem !== undefined) shell.damage.set(name, problem);
  }
}

/** The last status of a run that was told to stop. */
export async function markInterrupted(shell: LocalShell): Promise<void> {
  const observed = await shell.observePipeline();
  const { status } = decidePipeline(observed);
  await shell.savePipelineStatus(observed, interrupted(status, 'stopped by request; run it again to go on'));
}

/** A pipeline that has not ended, but that nobody runs. */
export function interrupted(status: PipelineStatus, message: string): PipelineStatus {
  const old = findCondition(status.conditions, 'Succeeded');
  if (old?.status !== 'Unknown' || old.reason === 'Suspended' || old.reason === 'WaitingForApproval') return status;
  const conditions = status.conditions.map((each) =>
    each.type === 'Succeeded' ? { ...each, reason: 'Interrupted', message } : each,
  );
  const { display } = status;
  return {
    ...status,
    conditions,
    ...(display === undefined ? {} : { display: { ...display, state: stateOf(conditions), eta: '', message } }),
  };
}
