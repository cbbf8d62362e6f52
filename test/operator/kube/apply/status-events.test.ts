import { expect, test } from '@jest/globals';
import type { GateDecision, PipelineStatus } from '../../../../operator/api/resources/pipeline.ts';
import type { StageStatus } from '../../../../operator/api/resources/stage.ts';
import { pipelineEvents, stageEvents } from '../../../../operator/kube/apply/status-events.ts';
import { attempt, timeAt } from '../../../support/stages.ts';

type Succeeded = 'True' | 'False' | 'Unknown';

function conditions(succeeded: Succeeded, reason: string, message: string) {
  return [{ type: 'Succeeded', status: succeeded, reason, message, lastTransitionTime: timeAt(0) }];
}

function stage(succeeded: Succeeded, reason: string, attempts: StageStatus['attempts']): StageStatus {
  return {
    conditions: conditions(succeeded, reason, 'words'),
    attempts,
    failures: {},
    metrics: {},
    runSeconds: 0,
    gpuHours: 0,
  };
}

const failed = attempt(1, { outcome: 'Failed', class: 'outOfMemory', message: 'out of memory' });
const runningStage = stage('Unknown', 'AttemptRunning', [attempt(1)]);

test.each([
  { name: 'nothing of a start', before: undefined, after: runningStage, told: [] },
  { name: 'nothing of progress', before: runningStage, after: { ...runningStage, runSeconds: 5 }, told: [] },
  {
    name: 'success once',
    before: runningStage,
    after: stage('True', 'Completed', [attempt(1, { outcome: 'Succeeded' })]),
    told: ['Normal Completed: words'],
  },
  {
    name: 'a warning once, whatever its message becomes',
    before: { ...runningStage, warnings: [{ reason: 'NoSignal', message: 'since step 3' }] },
    after: {
      ...runningStage,
      warnings: [
        { reason: 'NoSignal', message: 'since step 4' },
        { reason: 'KlExploded', message: 'kl is 40' },
      ],
    },
    told: ['Warning KlExploded: kl is 40'],
  },
  {
    name: 'a failed attempt with its class',
    before: runningStage,
    after: stage('Unknown', 'BackingOff', [failed]),
    told: ['Warning AttemptFailed: attempt 1 (outOfMemory): out of memory'],
  },
  {
    name: 'no failed attempt twice, and the end of the stage',
    before: stage('Unknown', 'BackingOff', [failed]),
    after: stage('False', 'RetriesExhausted', [failed]),
    told: ['Warning RetriesExhausted: words'],
  },
  {
    name: 'an attempt that ended on request',
    before: runningStage,
    after: stage('Unknown', 'Suspended', [attempt(1, { outcome: 'Interrupted', message: 'saved step 2' })]),
    told: ['Normal AttemptInterrupted: attempt 1: saved step 2'],
  },
])('a stage tells $name', ({ before, after, told }) => {
  expect(stageEvents(before, after).map(inWords)).toEqual(told);
});

test('a pipeline tells the decisions of its gates and its end', () => {
  const gate: GateDecision = {
    stage: 'zero',
    expected: 'approval of a person',
    passed: false,
    action: 'Waiting',
    message: 'waits for approval',
    digest: 'ab',
    time: timeAt(0),
  };
  const waiting = status('Unknown', 'WaitingForApproval', [gate]);
  const stopped = status('False', 'GateFailed', [{ ...gate, action: 'Stopped', message: 'too low' }]);
  expect(pipelineEvents(undefined, waiting).map(inWords)).toEqual([
    'Normal GateWaiting: gate of stage zero: waits for approval',
  ]);
  expect(pipelineEvents(waiting, waiting)).toEqual([]);
  expect(pipelineEvents(waiting, stopped).map(inWords)).toEqual([
    'Warning GateStopped: gate of stage zero: too low',
    'Warning GateFailed: words',
  ]);
});

test('a pipeline warns once of what keeps it from running, and not of a queue', () => {
  const runs = status('Unknown', 'StageRunning', []);
  const noImage = status('Unknown', 'ImageUnavailable', []);
  expect(pipelineEvents(runs, noImage).map(inWords)).toEqual(['Warning ImageUnavailable: words']);
  expect(pipelineEvents(undefined, noImage).map(inWords)).toEqual(['Warning ImageUnavailable: words']);
  expect(pipelineEvents(noImage, noImage)).toEqual([]);
  expect(pipelineEvents(runs, status('Unknown', 'Queued', []))).toEqual([]);
});

function status(succeeded: Succeeded, reason: string, gates: GateDecision[]): PipelineStatus {
  return { conditions: conditions(succeeded, reason, 'words'), gates, stages: [], runSeconds: 0, gpuHours: 0 };
}

function inWords({ type, reason, message }: ReturnType<typeof stageEvents>[number]): string {
  return `${type} ${reason}: ${message}`;
}
