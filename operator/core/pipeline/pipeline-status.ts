import { findCondition, setCondition, type NewCondition } from '../../api/resources/conditions.ts';
import { displayPipeline, stateOf } from '../../api/display.ts';
import type { PipelineStatus } from '../../api/resources/pipeline.ts';
import { stageType } from '../../api/resources/pipeline-stage.ts';
import { restartsOf, timestamp, total } from '../attempts.ts';
import { spendingOfEach } from './former-spending.ts';
import type { Outcome } from '../decision.ts';
import { isLive, liveStages } from './live-stages.ts';
import type { PipelineSituation, StageView } from './pipeline-situation.ts';
import { inputStages } from './plan.ts';
import { suspendedCondition, withOutcome } from '../status-conditions.ts';
import { runsOf } from '../stage-runs.ts';

/** Describes what was seen, never what the actions are about to do. */
export function pipelineStatus(situation: PipelineSituation, verdict: Outcome): PipelineStatus {
  const { observed, pipeline, views, former } = situation;
  const { now } = observed;
  const old = pipeline.status;
  const generation = pipeline.metadata.generation;
  const succeeded: NewCondition = {
    type: 'Succeeded',
    status: verdict.status,
    reason: verdict.reason,
    message: verdict.message,
  };
  let conditions = withOutcome(old?.conditions ?? [], succeeded, now, generation);
  if (pipeline.spec.suspend || findCondition(conditions, 'Suspended') !== undefined) {
    const quiet = liveStages(situation).length === 0;
    conditions = setCondition(conditions, suspendedCondition(pipeline.spec.suspend, quiet), now, generation);
  }
  const started = views.flatMap(({ object }) => object?.status?.startedAt ?? []).toSorted();
  const startedAt = started[0] ?? old?.startedAt;
  const completedAt = verdict.status === 'Unknown' ? undefined : (old?.completedAt ?? timestamp(now));
  const spending = spendingOfEach(old, observed.stages);
  const status: PipelineStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    gates: views.flatMap(({ gate }) => gate ?? []),
    stages: views.map((view) => summary(view, situation, verdict)),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(completedAt === undefined ? {} : { completedAt }),
    ...total([former, ...observed.stages.flatMap((stage) => stage.status ?? [])]),
    ...(spending.length > 0 && { spending }),
    ...(former.runSeconds + former.gpuHours > 0 && { formerSpending: former }),
  };
  const live = views.filter(isLive);
  const stopped = views.filter(({ stage, succeeded: each, gate }) =>
    verdict.status === 'Unknown'
      ? gate?.action === 'Waiting'
      : each?.status === 'False' || verdict.refused?.includes(stage.name),
  );
  const shown = live.length > 0 ? live : stopped;
  const measured = views.flatMap(({ object }) => object?.status?.metrics['eval/pass@1'] ?? []);
  return {
    ...status,
    display: displayPipeline(
      status,
      shown.map(({ stage, object }) => ({ name: stage.name, status: object?.status })),
      {
        restarts: views.reduce((sum, { object }) => sum + restartsOf(object?.status?.attempts ?? []), 0),
        queue: pipeline.spec.defaults.queue,
        passAt1: measured.at(-1),
        warned: views
          .filter(({ object }) => (object?.status?.warnings ?? []).length > 0)
          .map(({ stage }) => stage.name),
      },
    ),
  };
}

/** One line about a stage, those that have not begun included. */
function summary(
  view: StageView,
  { pipeline, views }: PipelineSituation,
  verdict: Outcome,
): PipelineStatus['stages'][number] {
  const { stage, object, gate, succeeded } = view;
  const base = { name: stage.name, type: stageType(stage) };
  const runs = runsOf(pipeline.status?.stages.find(({ name }) => name === stage.name)?.runs ?? [], object);
  const line = (state: string, message: string) => ({
    ...base,
    state,
    message: message.slice(0, 1000),
    ...(runs.length === 0 ? {} : { runs }),
  });
  if (verdict.refused?.includes(stage.name)) return line('Changed', verdict.message);
  if (object !== undefined) {
    const state = gate?.action === 'Waiting' ? 'Waiting' : stateOf(object.status?.conditions);
    return line(state, gate === undefined ? (succeeded?.message ?? '') : `gate: ${gate.message}`);
  }
  if (verdict.status === 'False') return line('Skipped', `not started: ${verdict.message}`);
  const missing = inputStages(stage, pipeline).filter(
    (name) => !views.find((each) => each.stage.name === name)?.usable,
  );
  if (missing.length > 0) return line('Waiting', `waits for ${missing.join(', ')}`);
  return line('Pending', verdict.reason === 'Suspended' ? 'suspended' : 'waits for its turn');
}
