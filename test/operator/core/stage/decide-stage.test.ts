import { expect, test } from '@jest/globals';
import { decideStage } from '../../../../operator/core/stage/decide-stage.ts';
import type { StageObserved } from '../../../../operator/core/observed.ts';
import { attemptDigest } from '../../../../operator/core/settings-digest.ts';
import { attempt, now, timeAt, withStatus } from '../../../support/stages.ts';
import { checkpoint, done, ended, fresh, live, result, spec, start, stop } from '../observed-stage.ts';

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
    name: 'has failed for good although an input is gone, which nobody would make again for it',
    given: {
      stage: withStatus(fresh, 'failed', {
        attempts: [attempt(1, { outcome: 'Failed', class: 'userError', message: 'exit code 64' })],
      }),
      inputProblem: 'waits for base',
    },
    condition: ['False', 'UserError', 'exit code 64'],
  },
  {
    name: 'waits for inputs that are made again before it tries again',
    given: {
      stage: withStatus(fresh, 'running', { attempts: [attempt(1, { outcome: 'Failed', class: 'crashed' })] }),
      inputProblem: 'waits for base',
    },
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
    name: 'says of a pending attempt why the one before it failed, such as that nobody can reach the Hub',
    given: {
      stage: withStatus(fresh, 'running', {
        attempts: [attempt(1, { outcome: 'Failed', message: 'http://hub cannot be reached' })],
      }),
      attempts: [{ ...live, number: 2, state: 'pending', waiting: 'fetches its model from the Hub' }],
    },
    condition: [
      'Unknown',
      'AttemptPending',
      'attempt 2 waits: fetches its model from the Hub; attempt 1 ended: http://hub cannot be reached',
    ],
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
    name: 'takes no attempt for hung because the clock of its node is hours behind',
    given: { attempts: [{ ...live, startedAt: now - 7_200_000, silentMs: 60_000 }] },
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
    condition: ['Unknown', 'Refused', 'attempt 1 cannot be started: exceeded quota: gpus'],
    recheckAfterMs: 9000,
  },
  {
    name: 'says nothing of a refusal that will pass by itself but why it waits',
    given: { refusal: { message: 'a former one is still being deleted', until: now + 500, passes: true } },
    condition: ['Unknown', 'Pending', 'attempt 1 cannot be started: a former one is still being deleted'],
    recheckAfterMs: 500,
  },
  {
    name: 'replaces a pending attempt once its volume is asked for with another storage class',
    given: {
      stage: spec({ storage: { ...fresh.spec.storage, storageClassName: 'local-path' } }),
      attempts: [{ ...live, state: 'pending', madeFrom: attemptDigest(fresh.spec) }],
    },
    actions: [stop('replaced')],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'replaces a pending attempt once the defaults of its surroundings are others',
    given: { attempts: [{ ...live, state: 'pending', hasOtherDefaults: true }] },
    actions: [stop('replaced')],
    condition: ['Unknown', 'AttemptStopping', "attempt 1 waited with other defaults than the operator's now"],
  },
  {
    name: 'replaces a pending attempt whose claim goes and would be made anew',
    given: {
      attempts: [{ ...live, state: 'pending', waiting: 'claim "sums-volume" is being deleted', volumeGone: true }],
    },
    actions: [stop('volumeGone')],
    condition: [
      'Unknown',
      'AttemptStopping',
      'attempt 1 waits for what will not come: claim "sums-volume" is being deleted',
    ],
  },
  {
    name: 'ends an attempt whose Job is gone, whatever it was asked before',
    given: { attempts: [{ ...live, orphaned: true, stopping: 'suspended' }] },
    actions: [stop('orphaned')],
    condition: ['Unknown', 'AttemptStopping', 'attempt 1 goes on although its Job is gone'],
  },
  {
    name: 'waits with an order to end that was refused, and says why',
    given: {
      stage: spec({ suspend: true }),
      attempts: [live],
      stopRefusal: { message: 'admission webhook "jobs" denied the request', until: now + 9000 },
    },
    condition: [
      'Unknown',
      'AttemptStopping',
      'suspended by spec.suspend; it cannot be ended: admission webhook "jobs" denied the request',
    ],
    recheckAfterMs: 9000,
  },
  {
    name: 'orders an attempt to end again some time after that was refused',
    given: { stage: spec({ suspend: true }), attempts: [live], stopRefusal: { message: 'denied', until: now } },
    actions: [stop('suspended')],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'goes on where it is asked for something else after its end, and does not say that it has it',
    given: { stage: { ...done, spec: { ...done.spec, pretrain: { ...done.spec.pretrain!, steps: 9 } } } },
    actions: [start(2)],
    condition: [
      'Unknown',
      'Pending',
      expect.stringMatching(/^attempt 1 succeeded with other settings than are asked for now; another one goes on/),
    ],
  },
  {
    name: 'tries again after an attempt that never ran, at no cost',
    given: {
      stage: spec({ retry: { infrastructure: 0, disruption: 0 } }),
      attempts: [ended({ exit: { neverRan: true, detail: 'its pod was deleted' }, endedAt: now - 10_000 })],
    },
    actions: [start(2)],
    condition: ['Unknown', 'Pending', 'attempt 1 ended: ended before it ran: its pod was deleted'],
  },
  {
    name: 'takes an attempt that was seen to run for one that ran, although all its traces are gone',
    given: {
      stage: withStatus(fresh, 'running'),
      attempts: [ended({ exit: { neverRan: true, detail: 'its Job was deleted' }, endedAt: now })],
    },
    condition: [
      'Unknown',
      'BackingOff',
      'attempt 1 ended: its pod was deleted: its Job was deleted; next attempt in 10 s',
    ],
    recheckAfterMs: 10_000,
  },
  {
    name: 'asks again some time after a refusal',
    given: { refusal: { message: 'exceeded quota: gpus', until: now } },
    actions: [start(1)],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'ends an attempt that has been silent for too long',
    given: { attempts: [{ ...live, startedAt: now - 4_000_000, silentMs: 1_800_000 }] },
    actions: [stop('hung')],
    condition: ['Unknown', 'AttemptStopping', 'attempt 1 wrote no progress line for 1800 seconds'],
  },
  {
    name: 'takes no attempt for hung before someone has looked at what it writes',
    given: { attempts: [{ ...live, startedAt: now - 4_000_000, silentMs: 0 }] },
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
    condition: ['Unknown', 'AttemptStopping'],
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
    name: 'waits, and counts no failure, where another process goes on in its directory',
    given: { attempts: [ended({ exit: { code: 73, detail: 'held by process 1' } })] },
    condition: ['Unknown', 'BackingOff', 'attempt 1 ended: held by process 1; next attempt in 5 s'],
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
