import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { AttemptRecord, R1Stage, StageStatus } from '../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../operator/core/pipeline/decide-pipeline.ts';
import { settingsDigest } from '../../operator/core/settings-digest.ts';

export const now = Date.parse('2026-01-01T12:00:00Z');

export function timeAt(secondsAgo: number): string {
  return new Date(now - secondsAgo * 1000).toISOString();
}

export function attempt(number: number, more: Partial<AttemptRecord> = {}): AttemptRecord {
  return { number, outcome: 'Running', message: '', startedAt: timeAt(60), gpus: 0, ...more };
}

const emptyStatus: StageStatus = {
  conditions: [],
  attempts: [],
  failures: {},
  metrics: {},
  runSeconds: 0,
  gpuHours: 0,
};

/** What has become of a stage. */
export function withStatus(
  stage: R1Stage,
  state: 'running' | 'succeeded' | 'failed',
  more: Partial<StageStatus> = {},
): R1Stage {
  const [status, reason, outcome] = {
    running: ['Unknown', 'AttemptRunning', 'Running'],
    succeeded: ['True', 'Completed', 'Succeeded'],
    failed: ['False', 'RetriesExhausted', 'Failed'],
  }[state] as ['True' | 'False' | 'Unknown', string, AttemptRecord['outcome']];
  const condition = { type: 'Succeeded', status, reason, message: `it has ${state}`, lastTransitionTime: timeAt(30) };
  return {
    ...stage,
    status: {
      ...emptyStatus,
      conditions: [condition],
      attempts: [attempt(1, { outcome, settings: settingsDigest(stage.spec) })],
      ...(state === 'succeeded' && stage.spec.evaluate === undefined && { checkpoint: checkpointOf(stage) }),
      ...more,
    },
  };
}

/** A digest that depends on what decides the result, as a real one does. */
function checkpointOf(stage: R1Stage) {
  return { path: 'step-000003', step: 3, digest: settingsDigest(stage.spec).slice(-64) };
}

/** The pipeline's stages after the named ones, in their order, have succeeded one after the other. */
export function succeeded(
  pipeline: R1Pipeline,
  names: readonly string[],
  status: Partial<StageStatus> = {},
): R1Stage[] {
  const stages: R1Stage[] = [];
  for (const name of names) {
    const stage = created(pipeline, stages, name);
    stages.push(withStatus(stage, 'succeeded', status));
  }
  return stages;
}

/** The stage object that the pipeline asks for when these stages are as they are. */
export function created(pipeline: R1Pipeline, stages: readonly R1Stage[], name: string): R1Stage {
  const { actions } = decidePipeline({ now, pipeline, stages, maxRunningStages: Infinity });
  for (const action of actions)
    if (action.kind === 'CreateStage' && action.stage.spec.stage === name) return action.stage;
  throw new Error(`stage ${name} is not ready`);
}
