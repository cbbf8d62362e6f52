import { expect, test } from '@jest/globals';
import type { R1Stage } from '../../../operator/api/stage.ts';
import { decideStage } from '../../../operator/core/decide-stage.ts';
import type { AttemptObserved, StageObserved } from '../../../operator/core/observed.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { attempt, created, now, timeAt, withStatus } from '../../support/stages.ts';

const fresh = created(pipelineOf(fourStages), [], 'pretrained');
const spec = (more: Partial<R1Stage['spec']>): R1Stage => ({ ...fresh, spec: { ...fresh.spec, ...more } });
const live: AttemptObserved = { number: 1, state: 'running', startedAt: now - 60_000, gpus: 2 };
const result = { outcome: 'succeeded' as const, reason: 'succeeded', message: 'done', metrics: { reward: 1 } };
const checkpoint = { path: 'step-000003', step: 3, digest: 'a'.repeat(64) };
const ended = (more: Partial<AttemptObserved>): AttemptObserved => ({
  ...live,
  state: 'ended',
  endedAt: now - 5000,
  ...more,
});
const done = withStatus(fresh, 'succeeded');
const start = (number: number) => ({ kind: 'StartAttempt', attempt: number });
const stop = (reason: string) => ({ kind: 'StopAttempt', attempt: 1, reason });

test.each<{
  name: string;
  given: Partial<StageObserved>;
  actions?: object[];
  condition: [status: string, reason: string, message?: unknown];
  recheckAfterMs?: number;
}>([
  { name: 'starts the first attempt', given: {}, actions: [start(1)], condition: ['Unknown', 'Pending'] },
  {
    name: 'waits for inputs that are made again',
    given: { inputProblem: 'waits for base' },
    condition: ['Unknown', 'WaitingForInputs', 'waits for base'],
  },
  {
    name: 'waits for the running attempt and looks again when it could be hung',
    given: { attempts: [live] },
    condition: ['Unknown', 'AttemptRunning', 'attempt 1 runs'],
    recheckAfterMs: 1_740_000,
  },
  {
    name: 'waits for an attempt that has not started',
    given: { attempts: [{ ...live, state: 'pending', startedAt: now - 1e8 }] },
    condition: ['Unknown', 'AttemptPending'],
    recheckAfterMs: 100,
  },
  {
    name: 'ends an attempt that has been silent for too long',
    given: { attempts: [{ ...live, startedAt: now - 4_000_000, lastProgressAt: now - 1_800_000 }] },
    actions: [stop('hung')],
    condition: ['Unknown', 'AttemptStopping', 'attempt 1 wrote no progress line for 1800 seconds'],
  },
  {
    name: 'tells an ending attempt only once',
    given: { stage: spec({ suspend: true }), attempts: [{ ...live, stopping: 'suspended' }] },
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'ends the running attempt when suspended',
    given: { stage: spec({ suspend: true }), attempts: [live] },
    actions: [stop('suspended')],
    condition: ['Unknown', 'Suspended'],
  },
  {
    name: 'starts nothing while suspended',
    given: { stage: spec({ suspend: true }) },
    condition: ['Unknown', 'Suspended'],
  },
  {
    name: 'goes on after an interruption without waiting',
    given: { attempts: [ended({ stopping: 'suspended', exit: { code: 75 } })] },
    actions: [start(2)],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'succeeds with a verified result',
    given: { attempts: [ended({ exit: { code: 0 }, result: { ...result, checkpoint } })] },
    condition: ['True', 'Completed', 'done'],
  },
  {
    name: 'stays finished when nothing is left of its attempts, even if suspended later',
    given: { stage: { ...done, spec: { ...done.spec, suspend: true } } },
    condition: ['True', 'Completed'],
  },
  {
    name: 'makes again what was damaged later',
    given: { stage: done, damage: 'weights: is missing' },
    actions: [start(2)],
    condition: ['Unknown', 'Pending', expect.stringContaining('its checkpoint was damaged later: weights: is missing')],
  },
  {
    name: 'waits before a retry',
    given: { attempts: [ended({ exit: { signal: 'SIGKILL' } })] },
    condition: ['Unknown', 'BackingOff', 'attempt 1 ended: ended by SIGKILL; next attempt in 5 s'],
    recheckAfterMs: 5000,
  },
  {
    name: 'retries after the wait',
    given: { attempts: [ended({ exit: { signal: 'SIGKILL' }, endedAt: now - 10_000 })] },
    actions: [start(2)],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'fails with a user error',
    given: { attempts: [ended({ exit: { code: 64, detail: 'bad data' } })] },
    condition: ['False', 'UserError', 'bad data'],
  },
  {
    name: 'fails when its retries are spent',
    given: {
      stage: withStatus(fresh, 'running', {
        attempts: [attempt(1, { outcome: 'Failed', class: 'crashed', endedAt: timeAt(100) })],
      }),
      attempts: [ended({ number: 2, exit: { code: 1, detail: 'TypeError' } })],
    },
    condition: ['False', 'RetriesExhausted', 'failed 2 times (crashed): exit code 1: TypeError'],
  },
  {
    name: 'ends the running attempt at the deadline',
    given: { stage: spec({ deadlineSeconds: 60 }), attempts: [live] },
    actions: [stop('deadline')],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'looks again at the deadline',
    given: { stage: spec({ deadlineSeconds: 100 }), attempts: [live] },
    condition: ['Unknown', 'AttemptRunning'],
    recheckAfterMs: 40_000,
  },
  {
    name: 'fails at the deadline',
    given: { stage: spec({ deadlineSeconds: 50 }), attempts: [ended({ stopping: 'deadline', exit: { code: 75 } })] },
    condition: ['False', 'DeadlineExceeded', 'attempts have run for 55 seconds, the deadline is 50'],
  },
  {
    name: 'ends the running attempt when its GPU hours are spent',
    given: { stage: spec({ budget: { gpuHours: 0.03 } }), attempts: [live] },
    actions: [stop('budget')],
    condition: ['Unknown', 'AttemptStopping', 'the budget of 0.03 GPU hours is spent'],
  },
])('$name', ({ given, actions = [], condition, recheckAfterMs }) => {
  const decision = decideStage({ now, stage: fresh, attempts: [], ...given });
  expect(decision.actions).toEqual(actions);
  const [status, reason, message = expect.any(String)] = condition;
  expect(decision.status.conditions[0]).toMatchObject({ type: 'Succeeded', status, reason, message });
  expect(decision.recheckAfterMs).toBe(recheckAfterMs);
});

test('status tells what was seen', () => {
  const attempts = [ended({ exit: { code: 0 }, result: { ...result, checkpoint }, node: 'gpu-1' })];
  const { status } = decideStage({ now, stage: fresh, attempts });
  expect(status).toMatchObject({
    attempts: [{ number: 1, outcome: 'Succeeded', startedAt: timeAt(60), endedAt: timeAt(5), gpus: 2 }],
    failures: {},
    checkpoint,
    metrics: { reward: 1 },
    startedAt: timeAt(60),
    completedAt: timeAt(5),
    runSeconds: 55,
    gpuHours: 0.031,
    node: 'gpu-1',
    display: { state: 'Succeeded', attempt: 1 },
  });
  // Once recorded, it stays as it is without the attempt.
  expect(decideStage({ now: now + 1000, stage: { ...fresh, status }, attempts: [] }).status).toEqual(status);
});

test('an attempt that ran when it was last seen and left no trace was interrupted', () => {
  const { status, actions } = decideStage({ now, stage: withStatus(fresh, 'running'), attempts: [] });
  expect(status.attempts).toMatchObject([{ outcome: 'Interrupted', message: 'left no trace' }]);
  expect(actions).toEqual([start(2)]);
});
