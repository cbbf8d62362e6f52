import { expect } from '@jest/globals';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import { decidePipeline, type PipelineAction } from '../../../operator/core/pipeline/decide-pipeline.ts';
import type { PipelineObserved } from '../../../operator/core/observed.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { now } from '../../support/stages.ts';

/** The pipeline of a situation that names no other. */
export const pipeline = pipelineOf(fourStages);

export const annotated = (annotations: Record<string, string>): R1Pipeline => ({
  ...pipeline,
  metadata: { name: 'test', annotations },
});

/** What is decided in one situation. */
export interface Case {
  readonly name: string;
  readonly given: Partial<PipelineObserved>;
  readonly actions?: string[];
  /** What becomes of its volume; that of a pipeline that fails is retained in most cases, which are not about it. */
  readonly volume?: readonly ('retained' | 'let go')[];
  readonly condition: [status: string, reason: string, message?: unknown];
  readonly states?: string[];
  readonly recheckAfterMs?: number;
  /** The first decision of a gate. */
  readonly gate?: object;
}

export function expectDecision({ given, actions = [], volume, condition, states, recheckAfterMs, gate }: Case): void {
  const decision = decidePipeline({ now, pipeline, stages: [], maxRunningStages: 1, ...given });
  const ofVolume = decision.actions.flatMap((each) => (each.kind === 'RetainVolume' ? [each.retain] : []));
  expect(decision.actions.filter(({ kind }) => kind !== 'RetainVolume').map(brief)).toEqual(actions);
  if (volume) expect(ofVolume).toEqual(volume.map((each) => each === 'retained'));
  const [succeededCondition] = decision.status.conditions;
  const [status, reason, message = expect.any(String)] = condition;
  expect(succeededCondition).toMatchObject({ type: 'Succeeded', status, reason, message });
  expect(decision.recheckAfterMs).toBe(recheckAfterMs);
  if (gate) expect(decision.status.gates[0]).toMatchObject(gate);
  if (states) expect(decision.status.stages.map(({ state }) => state)).toEqual(states);
}

function brief(action: PipelineAction): string {
  switch (action.kind) {
    case 'CreateStage':
      return `create ${action.stage.spec.stage}`;
    case 'UpdateStage':
      return `update ${action.stage.spec.stage}`;
    case 'SuspendStage':
      return `${action.suspend ? 'suspend' : 'resume'} ${action.name}`;
    case 'DeleteStages':
      return `delete ${action.names.join(' ')}`;
    case 'ClearRerun':
      return `clear ${JSON.stringify(action.annotations)}`;
    case 'RetainVolume':
      return `retain ${action.retain}`;
    case 'DeletePipeline':
      return `delete as ${action.why}`;
  }
}
