import { describe, expect, test } from '@jest/globals';
import { findCondition } from '../../../../operator/api/resources/conditions.ts';
import type { R1Stage } from '../../../../operator/api/resources/stage.ts';
import { decideStage } from '../../../../operator/core/stage/decide-stage.ts';
import type { AttemptObserved } from '../../../../operator/core/observed.ts';
import { settingsDigest } from '../../../../operator/core/settings-digest.ts';
import { now, timeAt, withStatus } from '../../../support/stages.ts';
import { checkpoint, ended, fresh, live, result, spec, start, stop } from '../observed-stage.ts';

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

test('what an attempt has made is there again when an edit is taken back before another attempt has begun', () => {
  const settings = settingsDigest(fresh.spec);
  const made = [ended({ exit: { code: 0 }, result: { ...result, checkpoint }, settings })];
  const longer = spec({ pretrain: { ...fresh.spec.pretrain!, steps: 30 } });
  const refusal = { message: 'no room', until: now + 60_000 };
  const { status } = decideStage({ now, stage: fresh, attempts: made });
  const edited = decideStage({ now, stage: { ...longer, status }, attempts: made, refusal }).status;
  expect(edited.conditions[0]?.status).toBe('Unknown');
  // By then its Job is gone, and its pod with it.
  const back = decideStage({ now, stage: { ...fresh, status: edited }, attempts: [] });
  expect(back.actions).toEqual([]);
  expect(back.status.conditions[0]?.status).toBe('True');
  expect(back.status).toMatchObject({ checkpoint, metrics: result.metrics });
});

/** Seconds that an attempt ran, and those of GPUs that it held, after what was seen of it. */
function secondsOf(observed: readonly Partial<AttemptObserved>[]): [ran: number, held: number] {
  let status: R1Stage['status'];
  for (const each of observed) {
    const stage = status === undefined ? fresh : { ...fresh, status };
    status = decideStage({ now, stage, attempts: [{ ...live, ...each }] }).status;
  }
  return [status?.runSeconds ?? 0, Math.round((status?.gpuHours ?? 0) * 3600)];
}

describe('GPU hours', () => {
  test.each<{ name: string; observed: Partial<AttemptObserved>[]; runs: number; holds: number }>([
    { name: 'a minute on two GPUs', observed: [{}], runs: 60, holds: 120 },
    {
      name: 'a pod that fetched a model for a minute before it ran',
      observed: [{ heldSince: now - 120_000 }],
      runs: 60,
      holds: 240,
    },
    {
      name: 'a pod that has a node and fetches a model',
      observed: [{ state: 'pending', heldSince: now - 30_000 }],
      runs: 0,
      holds: 60,
    },
    { name: 'a pod without a node', observed: [{ state: 'pending' }], runs: 0, holds: 0 },
    {
      name: 'workers that are gone when the end of their learner is seen',
      observed: [{ gpus: 6 }, { gpus: 2, state: 'ended', endedAt: now, exit: { code: 64 } }],
      runs: 60,
      holds: 360,
    },
    { name: 'three sevenths of a GPU', observed: [{ gpus: 0.429 }], runs: 60, holds: 25 },
  ])('count $name', ({ observed, runs, holds }) => {
    const [runSeconds, gpuSeconds] = secondsOf(observed);
    expect(runSeconds).toBe(runs);
    expect(Math.abs(gpuSeconds - holds)).toBeLessThanOrEqual(2); // hours have three decimals
  });
});

test('the time that an attempt had left is told while it runs, and of no other', () => {
  const progress = { type: 'progress', time: timeAt(1), step: 9, steps: 20, phase: 'train', metrics: {} } as const;
  const running = pass(fresh, { progress: { ...progress, secondsLeft: 60 } }, now);
  expect(running.progress).toMatchObject({ step: 9, secondsLeft: 60 });
  const stage = { ...fresh, status: running };
  const waiting = decideStage({
    now,
    stage,
    attempts: [ended({ exit: { code: 137 }, progress: { ...progress, secondsLeft: 60 } })],
  }).status;
  expect(waiting.progress).toMatchObject({ step: 9 });
  expect(waiting.progress).not.toHaveProperty('secondsLeft');
  const again = decideStage({ now, stage, attempts: [{ ...live, number: 2 }] }).status;
  expect(again.progress).toBeUndefined();
});

describe('warnings', () => {
  const warnings = [{ reason: 'NoSignal', message: 'every group scores alike since step 3' }];
  const progress = { type: 'progress', time: timeAt(1), step: 9, steps: 20, phase: 'train', metrics: {} } as const;
  const learning = pass(fresh, { progress }, now);
  const warned = pass({ ...fresh, status: learning }, { progress: { ...progress, warnings } }, now);

  test('are kept, and a condition says so', () => {
    expect(learning.warnings).toBeUndefined();
    expect(findCondition(learning.conditions, 'Warned')).toBeUndefined();
    expect(warned).toMatchObject({ warnings, progress, display: { state: 'Running', warnings: 'NoSignal' } });
    expect(findCondition(warned.conditions, 'Warned')).toMatchObject({
      status: 'True',
      reason: 'NoSignal',
      message: warnings[0]?.message,
    });
    expect(warned.progress).not.toHaveProperty('warnings'); // said once
  });

  test('are taken back by the attempt alone', () => {
    const stage = { ...fresh, status: warned };
    const over = pass(stage, { progress }, now);
    expect(over.warnings).toBeUndefined();
    expect(findCondition(over.conditions, 'Warned')).toMatchObject({ status: 'False', reason: 'NoWarnings' });

    const again = decideStage({ now, stage, attempts: [{ ...live, number: 2 }] }).status;
    expect(again.warnings).toEqual(warnings);
    const failed = { ...result, outcome: 'failed', reason: 'diverged' } as const;
    const end = { exit: { code: 67 }, result: failed, progress: { ...progress, warnings } };
    expect(decideStage({ now, stage, attempts: [ended(end)] }).status.warnings).toEqual(warnings);
  });

  test('of a finished stage are those of its result', () => {
    const attempts = [ended({ exit: { code: 0 }, result: { ...result, checkpoint, warnings }, progress })];
    const { status } = decideStage({ now, stage: fresh, attempts });
    expect(status.warnings).toEqual(warnings);
    expect(decideStage({ now, stage: { ...fresh, status }, attempts: [] }).status.warnings).toEqual(warnings);
  });
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

describe('progress, when somebody else leads who has not read the log yet,', () => {
  const progress = { type: 'progress' as const, time: '2026-01-01T11:59:00Z', step: 2, steps: 3, phase: 'train' };
  const told = decideStage({
    now,
    stage: fresh,
    attempts: [{ ...live, progress: { ...progress, metrics: { loss: 1 } } }],
  });
  const again = decideStage({ now, stage: { ...fresh, status: told.status }, attempts: [live] }).status;

  test('stays as it was told', () => {
    expect(told.status.progress).toMatchObject({ step: 2 });
    expect(again).toEqual(told.status);
  });

  test('is not that of the attempt before', () => {
    const next = { ...live, number: 2 };
    const { status } = decideStage({ now, stage: { ...fresh, status: again }, attempts: [next] });
    expect([status.progress, status.metrics]).toEqual([undefined, {}]);
  });
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
