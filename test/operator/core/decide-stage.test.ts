import { describe, expect, test } from '@jest/globals';
import type { R1Stage } from '../../../operator/api/stage.ts';
import { decideStage } from '../../../operator/core/decide-stage.ts';
import type { AttemptObserved, StageObserved } from '../../../operator/core/observed.ts';
import { attemptDigest, settingsDigest } from '../../../operator/core/settings-digest.ts';
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
    name: 'fails where it cannot be run at all',
    given: { problem: 'data/a.jsonl lies on none of spec.volumes' },
    condition: ['False', 'UserError', 'data/a.jsonl lies on none of spec.volumes'],
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
    condition: ['Unknown', 'AttemptPending', 'attempt 1 waits to start'],
  },
  {
    name: 'says in words what a pending attempt waits for, however long',
    given: {
      attempts: [
        {
          ...live,
          state: 'pending',
          startedAt: now - 1e8,
          waiting: '0/3 nodes are available: insufficient nvidia.com/gpu',
          waitingReason: 'Unschedulable',
        },
      ],
    },
    condition: ['Unknown', 'Unschedulable', 'attempt 1 waits: 0/3 nodes are available: insufficient nvidia.com/gpu'],
  },
  {
    name: 'leaves a pending attempt alone that was made from what is asked for',
    given: {
      stage: spec({ retry: { hung: 7 }, deadlineSeconds: 9 }),
      attempts: [{ ...live, state: 'pending', madeFrom: attemptDigest(fresh.spec) }],
    },
    condition: ['Unknown', 'AttemptPending'],
  },
  {
    name: 'replaces a pending attempt once other resources are asked for',
    given: {
      stage: spec({ resources: { limits: { 'nvidia.com/gpu': 1 } } }),
      attempts: [{ ...live, state: 'pending', madeFrom: attemptDigest(fresh.spec) }],
    },
    actions: [stop('replaced')],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'lets a running attempt end with the resources that it has',
    given: {
      stage: spec({ resources: { limits: { 'nvidia.com/gpu': 1 } } }),
      attempts: [{ ...live, madeFrom: attemptDigest(fresh.spec) }],
    },
    condition: ['Unknown', 'AttemptRunning'],
    recheckAfterMs: 1_740_000,
  },
  {
    name: 'starts the attempt anew that was replaced',
    given: { attempts: [ended({ stopping: 'replaced', startedAt: now - 5000 })] },
    actions: [start(2)],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'counts the silence of an attempt from the pod that it runs in now',
    given: { attempts: [{ ...live, lastProgressAt: now - 7_200_000 }] },
    condition: ['Unknown', 'AttemptRunning'],
    recheckAfterMs: 1_740_000,
  },
  {
    name: 'does not count the time that an attempt waits',
    given: {
      stage: spec({ deadlineSeconds: 60, budget: { hours: 0.01 } }),
      attempts: [{ ...live, state: 'pending', startedAt: now - 86_400_000 }],
    },
    condition: ['Unknown', 'AttemptPending'],
  },
  {
    name: 'looks again when the GPU hours will be spent',
    given: { stage: spec({ budget: { gpuHours: 0.05 } }), attempts: [live] },
    condition: ['Unknown', 'AttemptRunning'],
    recheckAfterMs: 30_600,
  },
  {
    name: 'waits with an attempt that was refused, and says why',
    given: { refusal: { message: 'exceeded quota: gpus', until: now + 9000 } },
    condition: ['Unknown', 'Pending', 'attempt 1 cannot be started: exceeded quota: gpus'],
    recheckAfterMs: 9000,
  },
  {
    name: 'asks again some time after a refusal',
    given: { refusal: { message: 'exceeded quota: gpus', until: now } },
    actions: [start(1)],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'ends an attempt that has been silent for too long',
    given: { attempts: [{ ...live, startedAt: now - 4_000_000, lastProgressAt: now - 1_800_000 }] },
    actions: [stop('hung')],
    condition: ['Unknown', 'AttemptStopping', 'attempt 1 wrote no progress line for 1800 seconds'],
  },
  {
    name: 'takes no attempt for hung before someone has looked at what it writes',
    given: { attempts: [{ ...live, startedAt: now - 4_000_000, lookedAt: now - 4_000_000 }] },
    condition: ['Unknown', 'AttemptRunning', 'attempt 1 runs'],
    recheckAfterMs: 1_800_000,
  },
  {
    name: 'tells an ending attempt only once',
    given: { stage: spec({ suspend: true }), attempts: [{ ...live, stopping: 'suspended' }] },
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'tells one again that its queue holds, in case that it was told only half',
    given: {
      stage: spec({ suspend: true }),
      attempts: [{ ...live, state: 'pending', stopping: 'suspended', waitingReason: 'Queued' }],
    },
    actions: [stop('suspended')],
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

function pass(stage: R1Stage, more: Partial<AttemptObserved>, at: number) {
  return decideStage({ now: at, stage, attempts: [{ ...live, ...more }] }).status;
}

test('an attempt that loses its pod keeps what it has run', () => {
  const ran = pass(fresh, {}, now);
  const queued = pass({ ...fresh, status: ran }, { state: 'pending', startedAt: now + 1000 }, now);
  expect(queued).toMatchObject({ attempts: [{ outcome: 'Pending', ranSeconds: 60 }], runSeconds: 60 });
  const later = pass({ ...fresh, status: queued }, { state: 'pending' }, now + 3_600_000);
  expect(later.runSeconds).toBe(60);
  const again = pass({ ...fresh, status: later }, { startedAt: now + 3_600_000 }, now + 3_630_000);
  expect(again).toMatchObject({ attempts: [{ outcome: 'Running', ranSeconds: 60 }], runSeconds: 90, gpuHours: 0.05 });
});

test("a checkpoint lies in its attempt's directory", () => {
  const attempts = [ended({ exit: { code: 0 }, result: { ...result, checkpoint }, directory: '0a1b2c3d/attempt-1' })];
  const { status } = decideStage({ now, stage: fresh, attempts });
  expect(status.checkpoint).toEqual({ ...checkpoint, path: '0a1b2c3d/attempt-1/step-000003' });
});

test('an attempt that ran when it was last seen and left no trace was interrupted', () => {
  const { status, actions } = decideStage({ now, stage: withStatus(fresh, 'running'), attempts: [] });
  expect(status.attempts).toMatchObject([{ outcome: 'Interrupted', message: 'left no trace' }]);
  expect(actions).toEqual([start(2)]);
});

test.each([
  { type: 'that trains', stage: fresh, attempts: [{ outcome: 'Failed', class: 'crashed' }] },
  {
    type: 'that measures',
    stage: spec({ pretrain: undefined, evaluate: {} as never }),
    attempts: [{ outcome: 'Succeeded' }],
  },
])('a success without a checkpoint of a stage $type', ({ stage, attempts }) => {
  const { status } = decideStage({ now, stage, attempts: [ended({ exit: { code: 0 }, result })] });
  expect(status.attempts).toMatchObject(attempts);
});

describe('an attempt whose stage got other settings before its status told of it', () => {
  const settings = settingsDigest({ ...fresh.spec, seed: 99 });

  test('is ended', () => {
    expect(decideStage({ now, stage: fresh, attempts: [{ ...live, settings }] }).actions).toEqual([stop('replaced')]);
    const same = settingsDigest(fresh.spec);
    expect(decideStage({ now, stage: fresh, attempts: [{ ...live, settings: same }] }).actions).toEqual([]);
  });

  test.each([
    { how: 'succeeds', end: { exit: { code: 0 }, result: { ...result, checkpoint } } },
    { how: 'cannot use them', end: { exit: { code: 64, detail: 'bad data' } } },
  ])('makes room for another one when it $how', ({ end }) => {
    const { status, actions } = decideStage({ now, stage: fresh, attempts: [ended({ ...end, settings })] });
    expect(status.attempts).toMatchObject([
      { outcome: 'Interrupted', message: 'ran with other settings than are asked for now' },
    ]);
    expect(status.checkpoint).toBeUndefined();
    expect(actions).toEqual([start(2)]);
  });
});

test('of more attempts than are remembered, what they ran still counts', () => {
  const old = ended({ stopping: 'suspended', startedAt: now - 15_000 });
  const ends = Array.from({ length: 103 }, (_, at) => ({ ...old, number: at + 1 }));
  let stage = fresh;
  for (const count of [100, 101, 103, 103]) {
    // The Jobs of forgotten attempts are still there.
    stage = { ...stage, status: decideStage({ now, stage, attempts: ends.slice(0, count) }).status };
    expect(stage.status?.runSeconds).toBe(10 * count);
    expect(stage.status?.attempts).toHaveLength(100);
  }
  expect(stage.status?.attempts[0]).toMatchObject({ number: 4, ranSeconds: 30 });
  expect(stage.status?.gpuHours).toBe(0.572);
});
