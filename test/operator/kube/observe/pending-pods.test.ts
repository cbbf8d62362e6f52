import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ApiError } from '../../../../operator/kube/client/api-error.ts';
import type { KubeClient } from '../../../../operator/kube/client/client.ts';
import { workloads } from '../../../../operator/kube/client/resources.ts';
import type { AttemptObjects } from '../../../../operator/kube/observe/observe-attempt.ts';
import { PendingPods } from '../../../../operator/kube/observe/pending-pods.ts';
import { job, jobCondition, pod, running, objects, trainer } from '../../../support/attempt-objects.ts';

const hour = 3_600_000;
const key = 'team/sums-zero';
const waiting = objects({ pods: [{ pod: pod({}, { namespace: 'team' }) }] });

let stageIsThere: boolean;
const failedMount = async (..._args: unknown[]) => ({
  items: [{ reason: 'FailedMount', message: 'secret "key" not found', metadata: { creationTimestamp: '' } }],
});
const list = jest.fn(failedMount);
const onMessage = jest.fn();

function pendingPods(): PendingPods {
  return new PendingPods({
    client: { list } as unknown as KubeClient,
    claimOf: () => (stageIsThere ? { namespace: 'team', name: 'sums-volume' } : undefined),
    onMessage,
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  stageIsThere = true;
});

afterEach(() => {
  jest.useRealTimers();
  jest.clearAllMocks();
  list.mockImplementation(failedMount);
});

test('events of a pod that waits for long are read, less and less often', async () => {
  const pending = pendingPods();
  expect(pending.messageFor(key, waiting)).toBeUndefined();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(list).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(onMessage).toHaveBeenCalledWith(key);
  expect(pending.messageFor(key, waiting)).toBe('FailedMount: secret "key" not found');
  await jest.advanceTimersByTimeAsync(hour);
  expect(list.mock.calls.length).toBeLessThan(2 * 20);
});

test.each<{ name: string; given: AttemptObjects }>([
  { name: 'runs', given: objects({ pods: [{ pod: pod(trainer('Running', running())) }] }) },
  { name: 'is suspended, by no queue', given: objects({ job: job({ spec: { suspend: true } }) }) },
  { name: 'has failed without a pod', given: objects({ job: job({ status: jobCondition('Failed') }) }) },
  {
    name: 'has failed with its pod deleted',
    given: objects({ job: job({ status: jobCondition('FailureTarget') }), pods: [{ pod: pod(), goneAt: 1 }] }),
  },
  { name: 'is gone with its pod', given: objects({ jobIsGone: true, pods: [{ pod: pod(), goneAt: 1 }] }) },
  {
    name: 'is being deleted',
    given: objects({ pods: [{ pod: pod({}, { deletionTimestamp: '2026-01-01T12:00:00Z' }) }] }),
  },
])('nothing is read any more for an attempt that $name', async ({ given }) => {
  const pending = pendingPods();
  pending.messageFor(key, waiting);
  expect(pending.messageFor(key, given)).toBeUndefined();
  await jest.advanceTimersByTimeAsync(hour);
  expect(list).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});

test('what refused a Job its pod says nothing of the pod that it has got since', async () => {
  list.mockResolvedValue({
    items: [{ reason: 'FailedCreate', message: 'exceeded quota', metadata: { creationTimestamp: '' } }],
  });
  const pending = pendingPods();
  const alone = objects({ job: job({ namespace: 'team', uid: 'j' }) });
  pending.messageFor(key, alone);
  await jest.advanceTimersByTimeAsync(6000); // a Job has its pod at once, or never
  expect(pending.messageFor(key, alone)).toBe('FailedCreate: exceeded quota');
  expect(pending.messageFor(key, { ...alone, ...waiting })).toBeUndefined();
});

test('rollout workers, and the attempt that they sample for, have answers of their own', async () => {
  const pending = pendingPods();
  const workers = objects({ job: job({ namespace: 'team', uid: 'workers' }) });
  pending.messageFor(key, workers, 'rollout-worker');
  expect(pending.messageFor(key, objects({ pods: [{ pod: pod(trainer('Running', running())) }] }))).toBeUndefined();
  await jest.advanceTimersByTimeAsync(30_000);
  expect(pending.messageFor(key, workers, 'rollout-worker')).toBe('FailedMount: secret "key" not found');
  const fieldSelector = 'involvedObject.uid=workers,type=Warning';
  expect(list.mock.calls).toEqual([[expect.anything(), 'team', { fieldSelector, limit: 50 }]]);
});

test('nor for a stage that is gone', async () => {
  pendingPods().messageFor(key, waiting);
  stageIsThere = false;
  await jest.advanceTimersByTimeAsync(hour);
  expect(list).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});

test('a crowd of waiting pods is looked at one after the other', async () => {
  const pending = pendingPods();
  for (let index = 0; index < 100; index++) pending.messageFor(`team/stage-${index}`, waiting);
  await jest.advanceTimersByTimeAsync(24_000 + 20_000);
  expect(list.mock.calls.length / 2).toBeGreaterThanOrEqual(9);
  expect(list.mock.calls.length / 2).toBeLessThanOrEqual(11);
});

describe('a Job in a queue', () => {
  const labels = { 'kueue.x-k8s.io/queue-name': 'team' };
  const queued = objects({ job: job({ spec: { suspend: true }, namespace: 'team', uid: 'j', labels }) });

  test.each<{ name: string; answer: () => object[]; words: string | undefined }>([
    {
      name: 'that is not there',
      answer: () => [unreserved("LocalQueue gpu-qeue doesn't exist")],
      words: "LocalQueue gpu-qeue doesn't exist",
    },
    {
      name: 'that has a check to make',
      answer: () => [
        {
          status: {
            conditions: [{ type: 'QuotaReserved', status: 'True', message: 'reserved' }],
            admissionChecks: [
              { name: 'budget', state: 'Ready', message: '' },
              { name: 'nodes', state: 'Pending', message: 'provisioning 2 nodes' },
            ],
          },
        },
      ],
      words: 'admission check nodes is Pending: provisioning 2 nodes',
    },
    { name: 'that has not looked at it', answer: () => [{}], words: undefined },
    {
      name: 'that somebody took it out of',
      answer: () => [{ spec: { active: false } }],
      words: 'its Workload is not active',
    },
    {
      name: 'that nobody serves',
      answer: () => [],
      words: 'Kueue takes no notice of its Job; is its integration batch/job on, also here?',
    },
    {
      name: 'on a cluster without Kueue',
      answer: () => {
        throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
      },
      words: 'this cluster has no Kueue that serves kueue.x-k8s.io/v1beta2',
    },
  ])('$name says why it waits', async ({ answer, words }) => {
    list.mockImplementation(async () => ({ items: answer() as never }));
    const pending = pendingPods();
    pending.messageFor(key, queued);
    await jest.advanceTimersByTimeAsync(30_000);
    expect(list).toHaveBeenCalledWith(workloads, 'team', { labelSelector: 'kueue.x-k8s.io/job-uid=j', limit: 1 });
    expect(pending.messageFor(key, queued)).toBe(words);
  });

  test('says nothing of what kept its pod waiting before it was preempted', async () => {
    const pending = pendingPods();
    pending.messageFor(key, waiting);
    await jest.advanceTimersByTimeAsync(30_000);
    expect(pending.messageFor(key, waiting)).toBe('FailedMount: secret "key" not found');
    expect(pending.messageFor(key, queued)).toBeUndefined();
  });
});

function unreserved(message: string): object {
  return { status: { conditions: [{ type: 'QuotaReserved', status: 'False', message }] } };
}
