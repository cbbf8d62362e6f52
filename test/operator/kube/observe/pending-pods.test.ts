import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { KubeClient } from '../../../../operator/kube/client/client.ts';
import type { AttemptTraces } from '../../../../operator/kube/observe/observe-attempt.ts';
import { PendingPods } from '../../../../operator/kube/observe/pending-pods.ts';
import { job, jobCondition, pod, running, traces, trainer } from '../../../support/attempt-traces.ts';

const hour = 3_600_000;
const key = 'team/sums-zero';
const waiting = traces({ pods: [{ pod: pod({}, { namespace: 'team' }) }] });

let stageIsThere: boolean;
const list = jest.fn(async () => ({
  items: [{ reason: 'FailedMount', message: 'secret "key" not found', metadata: { creationTimestamp: '' } }],
}));
const onWords = jest.fn();

function pendingPods(): PendingPods {
  return new PendingPods({
    client: { list } as unknown as KubeClient,
    claimOf: () => (stageIsThere ? { namespace: 'team', name: 'sums-volume' } : undefined),
    onWords,
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  stageIsThere = true;
});

afterEach(() => {
  jest.useRealTimers();
  jest.clearAllMocks();
});

test('events of a pod that waits for long are read, less and less often', async () => {
  const pending = pendingPods();
  expect(pending.wordsFor(key, waiting)).toBeUndefined();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(list).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(onWords).toHaveBeenCalledWith(key);
  expect(pending.wordsFor(key, waiting)).toBe('FailedMount: secret "key" not found');
  await jest.advanceTimersByTimeAsync(hour);
  expect(list.mock.calls.length).toBeLessThan(2 * 20);
});

test.each<{ name: string; given: AttemptTraces }>([
  { name: 'runs', given: traces({ pods: [{ pod: pod(trainer('Running', running())) }] }) },
  { name: 'stands in a queue', given: traces({ job: job({ spec: { suspend: true } }) }) },
  { name: 'has failed without a pod', given: traces({ job: job({ status: jobCondition('Failed') }) }) },
  {
    name: 'has failed with its pod deleted',
    given: traces({ job: job({ status: jobCondition('FailureTarget') }), pods: [{ pod: pod(), goneAt: 1 }] }),
  },
  { name: 'is gone with its pod', given: traces({ jobIsGone: true, pods: [{ pod: pod(), goneAt: 1 }] }) },
  {
    name: 'is being deleted',
    given: traces({ pods: [{ pod: pod({}, { deletionTimestamp: '2026-01-01T12:00:00Z' }) }] }),
  },
])('nothing is read any more for an attempt that $name', async ({ given }) => {
  const pending = pendingPods();
  pending.wordsFor(key, waiting);
  expect(pending.wordsFor(key, given)).toBeUndefined();
  await jest.advanceTimersByTimeAsync(hour);
  expect(list).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});

test('nor for a stage that is gone', async () => {
  pendingPods().wordsFor(key, waiting);
  stageIsThere = false;
  await jest.advanceTimersByTimeAsync(hour);
  expect(list).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});

test('a crowd of waiting pods is looked at one after the other', async () => {
  const pending = pendingPods();
  for (let index = 0; index < 100; index++) pending.wordsFor(`team/stage-${index}`, waiting);
  await jest.advanceTimersByTimeAsync(24_000 + 20_000);
  expect(list.mock.calls.length / 2).toBeGreaterThanOrEqual(9);
  expect(list.mock.calls.length / 2).toBeLessThanOrEqual(11);
});
