import assert from 'node:assert/strict';
import { findCondition, succeededStatus } from '../../../../operator/api/resources/conditions.ts';
import { stateOf } from '../../../../operator/api/display.ts';
import type { PipelineStatus } from '../../../../operator/api/resources/pipeline.ts';
import { decidePipeline, type PipelineDecision } from '../../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../../operator/core/stage/decide-stage.ts';
import type { StageDecision } from '../../../../operator/core/stage/stage-decision.ts';
import { settingsDigest } from '../../../../operator/core/settings-digest.ts';
import { exhausted } from '../../../../operator/core/budget.ts';
import { surveyPipeline } from '../../../../operator/core/pipeline/pipeline-situation.ts';
import type { World } from './world.ts';

/** The decision about the pipeline, once it is known to be one, and to say nothing that is not so. */
export function decidedTruly(world: World): PipelineDecision {
  const observed = world.pipelineObserved();
  const decision = decidePipeline(observed);
  pipelineSaysWhatIsSo(world, decision.status);
  return decision;
}

function pipelineSaysWhatIsSo(world: World, status: PipelineStatus): void {
  const { live, pipeline } = world;
  const running = live.filter(({ state }) => state === 'running');
  if (findCondition(status.conditions, 'Suspended')?.status === 'True') {
    assert.deepEqual({ suspended: true, live }, { suspended: pipeline.spec.suspend, live: [] });
  }
  const objects = [...world.stages.values()].map(({ object }) => object);
  if (stateOf(status.conditions) === 'Running') {
    const known = objects.some((each) => each.status?.attempts.some(({ outcome }) => outcome === 'Running'));
    assert(running.length > 0 || known, 'the pipeline says Running');
  }
  if (findCondition(status.conditions, 'Succeeded')?.status !== 'True') return;
  for (const { stage, object, desired } of surveyPipeline(world.pipelineObserved()).views) {
    assert.deepEqual(
      { stage: stage.name, succeeded: object && succeededStatus(object.status?.conditions) },
      {
        stage: stage.name,
        succeeded: 'True',
      },
    );
    const made = object?.status?.attempts.findLast(({ outcome }) => outcome === 'Succeeded');
    assert.deepEqual(
      { stage: stage.name, settings: made?.settings },
      {
        stage: stage.name,
        settings: desired && settingsDigest(desired.spec),
      },
    );
  }
}

/** The same of a stage. */
export function stageDecidedTruly(world: World, name: string): StageDecision | undefined {
  const observed = world.stageObserved(name);
  if (observed === undefined) return undefined;
  const decision = decideStage(observed);
  const live = observed.attempts.filter(({ state }) => state !== 'ended');
  const { conditions } = decision.status;
  if (findCondition(conditions, 'Suspended')?.status === 'True') {
    assert.deepEqual({ stage: name, suspended: true, live }, { stage: name, suspended: true, live: [] });
  }
  if (stateOf(conditions) === 'Running')
    assert(
      live.some(({ state }) => state === 'running'),
      `stage ${name} says Running`,
    );
  for (const action of decision.actions) {
    if (action.kind === 'StartAttempt') assert.deepEqual(live, []);
  }
  return decision;
}

/** What holds once everybody has looked and nothing moves by itself. */
export function restsAsItShould(world: World): void {
  const { pipeline, now } = world;
  const status = pipeline.status;
  const observed = world.pipelineObserved();
  // Not deepEqual: clones come from another realm.
  assert.equal(JSON.stringify(decidePipeline(structuredClone(observed))), JSON.stringify(decidePipeline(observed)));
  const survey = surveyPipeline(world.pipelineObserved());
  const told = world.live.filter(({ stopping }) => stopping === undefined);
  const { runSeconds, gpuHours } = survey.spent;
  const mustStop = pipeline.spec.suspend
    ? 'suspended'
    : exhausted(pipeline.spec.budget, { runSeconds, gpuHours }) !== undefined
      ? 'budget'
      : undefined;
  if (mustStop !== undefined) assert.deepEqual({ mustStop, told }, { mustStop, told: [] });

  const left = [...world.stages.values()].filter(
    ({ object }) => !pipeline.spec.stages.some(({ name }) => name === object.spec.stage),
  );
  for (const { attempts } of left) {
    assert.deepEqual(
      attempts.filter(({ state, stopping }) => state !== 'ended' && stopping === undefined),
      [],
    );
  }
  if (mustStop !== undefined || findCondition(status?.conditions, 'Succeeded')?.status !== 'Unknown') return;
  const decisions = [
    decidedTruly(world),
    ...[...world.stages.keys()].flatMap((name) => stageDecidedTruly(world, name) ?? []),
  ];
  const goesOn = {
    live: world.live.length > 0,
    rechecks: decisions.some(({ recheckAfterMs }) => recheckAfterMs !== undefined),
    refused: (world.refusal?.until ?? 0) > now,
    waitsForPerson: status?.gates.some(({ action }) => action === 'Waiting') ?? false,
  };
  assert(Object.values(goesOn).includes(true), `nothing goes on: ${JSON.stringify([goesOn, status?.conditions])}`);
}

/** No more stages at work than may be, those that come to an end not counted. */
export function fewEnough(world: World): void {
  const busy = [...world.stages.values()].filter(({ attempts }) => attempts.some(({ state }) => state !== 'ended'));
  assert(busy.length <= world.maxRunningStages, `${busy.length} stages are at work`);
}
