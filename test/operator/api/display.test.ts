import { expect, test } from '@jest/globals';
import type { Reason } from '../../../operator/api/resources/conditions.ts';
import { displayPipeline, displayStage, formatDuration, formatNumber } from '../../../operator/api/display.ts';
import { pipelineStatus, type PipelineStatus } from '../../../operator/api/resources/pipeline.ts';
import type { StageStatus } from '../../../operator/api/resources/stage.ts';

const time = '2026-01-01T00:00:00Z';

function conditions(status: 'True' | 'False' | 'Unknown', reason: Reason, message = '') {
  return [{ type: 'Succeeded', status, reason, message, lastTransitionTime: time }];
}

const stage: StageStatus = { conditions: [], attempts: [], failures: {}, metrics: {}, runSeconds: 0, gpuHours: 0 };
const pipeline: PipelineStatus = { conditions: [], gates: [], stages: [], runSeconds: 0, gpuHours: 0 };
const progress = {
  type: 'progress',
  time,
  step: 50,
  steps: 200,
  phase: 'train',
  metrics: {},
  secondsLeft: 95,
} as const;

test.each<{ name: string; status: Partial<StageStatus>; shown: object }>([
  { name: 'a new stage', status: {}, shown: { type: 'grpo', state: 'Pending', step: '', progress: '', attempt: 0 } },
  {
    name: 'a stage that says what it computes on',
    status: { progress: { ...progress, device: '2 × NVIDIA H100, bf16' } },
    shown: { device: '2 × NVIDIA H100, bf16' },
  },
  {
    name: 'a running stage',
    status: {
      conditions: conditions('Unknown', 'AttemptRunning', 'attempt 2 runs'),
      attempts: [
        { number: 1, outcome: 'Failed', message: '', startedAt: time, gpus: 0 },
        { number: 2, outcome: 'Running', message: '', startedAt: time, gpus: 0 },
      ],
      progress,
      metrics: { reward: 0.53219, loss: 1.5e-5, kl: 0.0101, 'eval/pass@1': 0.5 },
      node: 'gpu-1',
      warnings: [
        { reason: 'NoSignal', message: 'words' },
        { reason: 'KlExploded', message: 'words' },
      ],
    },
    shown: {
      state: 'Running',
      step: '50/200',
      progress: '25%',
      reward: '0.532',
      loss: '1.5e-5',
      kl: '0.0101',
      passAt1: '0.5',
      attempt: 2,
      node: 'gpu-1',
      warnings: 'NoSignal,KlExploded',
      message: 'attempt 2 runs',
    },
  },
  {
    name: 'a stage that waits before the next attempt',
    status: { conditions: conditions('Unknown', 'BackingOff') },
    shown: { state: 'Retrying' },
  },
  {
    name: 'a suspended stage',
    status: { conditions: conditions('Unknown', 'Suspended') },
    shown: { state: 'Suspended' },
  },
  {
    name: 'a finished stage',
    status: {
      conditions: conditions('True', 'Completed'),
      progress: { ...progress, step: 191 },
      checkpoint: { path: 'step-000200', step: 200, digest: 'ab'.repeat(32) },
    },
    shown: { state: 'Succeeded', step: '200/200', progress: '100%', checkpoint: 'step-000200@abababababab' },
  },
  {
    name: 'a failed stage, its message on one line',
    status: { conditions: conditions('False', 'UserError', 'bad data:\n  line 3') },
    shown: { state: 'Failed', message: 'bad data: line 3' },
  },
])('$name', ({ status, shown }) => {
  expect(displayStage({ grpo: {} }, { ...stage, ...status })).toMatchObject(shown);
});

function line(name: string, state: string) {
  return { name, type: 'sft', state, message: '' };
}

test('a pipeline shows what runs and how far it is', () => {
  const status: PipelineStatus = {
    ...pipeline,
    conditions: conditions('Unknown', 'StageRunning'),
    stages: [line('a', 'Succeeded'), line('b', 'Running'), line('c', 'Waiting')],
    gpuHours: 1.256,
  };
  const current = [{ name: 'b', status: { ...stage, progress, metrics: { reward: 0.5 } } }];
  expect(displayPipeline(status, current, { restarts: 2, queue: 'team', passAt1: 0.25, warned: ['a', 'b'] })).toEqual({
    state: 'Running',
    stage: 'b',
    progress: '1/3',
    eta: '1m35s',
    gpuHours: '1.26',
    restarts: 2,
    reward: '0.5',
    passAt1: '0.25',
    queue: 'team',
    warnings: 'a,b',
    message: '',
  });
});

test('as many stages as can be, with names as long as can be, fit into what is shown', () => {
  const names = Array.from({ length: 32 }, (_, at) => `${'a'.repeat(60)}-${10 + at}`);
  const current = names.map((name) => ({ name, status: stage }));
  const shown = displayPipeline(pipeline, current, {
    restarts: 0,
    queue: undefined,
    passAt1: undefined,
    warned: names,
  });
  expect(pipelineStatus.shape.display.safeParse(shown).error).toBeUndefined();
  expect(shown.stage).toMatch(/^a{60}-10,a/);
});

test.each([
  [0, '0'],
  [0.123456, '0.123'],
  [12.345, '12.3'],
  [123456, '123000'],
  [0.00001234, '1.2e-5'],
  [-2.5, '-2.5'],
])('formats %d as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [0.4, '0s'],
  [59.6, '1m'],
  [200, '3m20s'],
  [3600, '1h'],
  [7500, '2h5m'],
  [273600, '3d4h'],
])('formats %d seconds as %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
