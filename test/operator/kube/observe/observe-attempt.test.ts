import { describe, expect, test } from '@jest/globals';
import { observeAttempt } from '../../../../operator/kube/observe/observe-attempt.ts';
import type { Pod } from '../../../../operator/kube/client/resources.ts';
import {
  asked,
  container,
  job,
  jobCondition,
  now,
  pod,
  running,
  secondsAgo,
  terminated,
  objects,
  trainer,
} from '../../../support/attempt-objects.ts';

/** The scheduler found no node. */
function unscheduled(message: string): Pod['status'] {
  return { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] };
}

function waitingContainer(reason: string, message: string): Pod {
  return pod({ containerStatuses: [container('trainer', { waiting: { reason, message } })] });
}

describe('an attempt that waits', () => {
  test('a pod holds its GPUs from when it has a node', () => {
    const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: secondsAgo(40) }];
    const fetching = pod({ conditions, initContainerStatuses: [container('fetch-model', running())] });
    expect(observeAttempt(objects({ pods: [{ pod: fetching }] }), now)).toMatchObject({
      state: 'pending',
      heldSince: now - 40_000,
    });
    expect(observeAttempt(objects({ gpus: 0, pods: [{ pod: fetching }] }), now)).not.toHaveProperty('heldSince');
    expect(observeAttempt(objects({ pods: [{ pod: pod() }] }), now)).not.toHaveProperty('heldSince');
  });

  test('one that a queue holds back has ended as soon as it is asked to, and its Job is left to be removed', () => {
    const annotations = { 'r1.dev/stop-reason': 'replaced' };
    const held = job({ spec: { suspend: true }, annotations });
    expect(observeAttempt(objects({ job: held }), now)).toMatchObject({
      state: 'ended',
      stopping: 'replaced',
      exit: { neverRan: true, detail: 'it waited in a queue' },
    });
    expect(observeAttempt(objects({ job: held, pods: [{ pod: pod() }] }), now)).toMatchObject({ state: 'pending' });
  });

  test.each([
    { name: 'has no pod yet', given: objects(), waiting: undefined },
    {
      name: 'stands in a queue',
      given: objects({ job: job({ spec: { suspend: true }, labels: { 'kueue.x-k8s.io/queue-name': 'gpus' } }) }),
      waiting: 'waits in queue "gpus"',
      reason: 'Queued',
    },
    {
      name: 'was taken its pod by its queue',
      given: objects({
        job: job({ spec: { suspend: true } }),
        pods: [{ pod: pod(trainer('Failed', terminated(75))), goneAt: now - 500 }],
      }),
      waiting: 'its Job is suspended',
      reason: 'Queued',
    },
    {
      name: 'fits on no node',
      given: objects({
        pods: [
          {
            pod: pod(
              unscheduled(
                '0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
              ),
            ),
          },
        ],
      }),
      waiting: '0/2 nodes are available: 2 Insufficient nvidia.com/gpu',
      reason: 'Unschedulable',
    },
    {
      name: 'misses its claim',
      given: objects({
        pods: [
          {
            pod: pod(
              unscheduled('0/2 nodes are available: persistentvolumeclaim "sums-volume" not found. preemption: …'),
            ),
          },
        ],
      }),
      waiting: 'claim "sums-volume" not found',
      reason: 'VolumeUnavailable',
    },
    {
      name: 'has a claim that no storage class serves, as its events say',
      given: objects({
        pods: [{ pod: pod(unscheduled('0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.')) }],
        eventMessage: 'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
      }),
      waiting: 'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
      reason: 'VolumeUnavailable',
    },
    {
      name: 'has an image that cannot be pulled',
      given: objects({
        pods: [
          { pod: waitingContainer('ErrImagePull', 'failed to resolve reference "r1-operator:0.1.0": not found\nmore') },
        ],
      }),
      waiting: 'image r1-operator:0.1.0 cannot be pulled: failed to resolve reference "r1-operator:0.1.0": not found',
      reason: 'ImageUnavailable',
    },
    {
      name: 'misses a Secret that a container reads',
      given: objects({ pods: [{ pod: waitingContainer('CreateContainerConfigError', 'secret "hub" not found') }] }),
      waiting: 'secret "hub" not found',
      reason: 'SecretUnavailable',
    },
    {
      name: 'misses a ConfigMap that is mounted, as its events say',
      given: objects({
        pods: [{ pod: waitingContainer('ContainerCreating', '') }],
        eventMessage: 'FailedMount: configmap "chat" not found',
      }),
      waiting: 'FailedMount: configmap "chat" not found',
      reason: 'SecretUnavailable',
    },
    {
      name: 'is not let through by a quota, as the events of its Job say',
      given: objects({ eventMessage: 'FailedCreate: pods "sums-zero-1-" is forbidden: exceeded quota: gpus' }),
      waiting: 'FailedCreate: pods "sums-zero-1-" is forbidden: exceeded quota: gpus',
      reason: 'Refused',
    },
    {
      name: 'fetches its model',
      given: objects({ pods: [{ pod: pod({ initContainerStatuses: [container('fetch-model', running())] }) }] }),
      waiting: 'fetches its model from the Hub',
    },
  ])('$name', ({ given, waiting, reason }) => {
    const seen = observeAttempt(given, now);
    expect(seen.state).toBe('pending');
    expect([seen.waiting, seen.waitingReason]).toEqual([waiting, reason]);
    expect(seen.startedAt).toBe(Date.parse(secondsAgo(60)));
  });
});

describe('an attempt that has not ended', () => {
  test.each([
    { name: 'runs', given: objects({ pods: [{ pod: pod(trainer('Running', running())) }] }) },
    {
      name: 'has failed for its pod and not yet for its Job: who took the pod may give another',
      given: objects({ pods: [{ pod: pod(trainer('Failed', terminated(137))) }] }),
    },
    {
      name: 'is asked to end and saves',
      given: objects({
        job: job({ status: jobCondition('FailureTarget') }),
        pods: [{ pod: pod(trainer('Running', running()), asked) }],
      }),
    },
    {
      name: 'saves on a node that is drained by a taint and answers',
      given: objects({
        pods: [
          {
            pod: pod(
              trainer('Running', running(), {
                conditions: [
                  { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' },
                  { type: 'Ready', status: 'True' },
                ],
              }),
              asked,
            ),
          },
        ],
      }),
    },
    {
      name: 'lost its Job, and its pod still saves',
      given: objects({ jobIsGone: true, pods: [{ pod: pod(trainer('Running', running()), asked) }] }),
    },
    {
      name: 'has ended with code 0 and something else than a result, and its Job has not said so yet',
      given: objects({ pods: [{ pod: pod(trainer('Succeeded', terminated(0, 'hello'))) }] }),
    },
  ])('$name', ({ given }) => {
    expect(observeAttempt(given, now)).toMatchObject({
      state: 'running',
      startedAt: Date.parse(secondsAgo(50)),
      node: 'gpu-1',
    });
  });
});

describe('an attempt whose claim', () => {
  const claim = { name: 'sums-volume', isOurs: true };
  test.each([
    { name: 'is gone and would be made anew', says: '"sums-volume" not found', more: { claim }, volumeGone: true },
    { name: 'is being deleted', says: '"sums-volume" is being deleted', more: { claim }, volumeGone: true },
    {
      name: 'is being deleted by the one who brought it',
      says: '"mine" is being deleted',
      more: { claim: { name: 'mine', isOurs: false } },
      volumeGone: true,
    },
    {
      name: 'is still to be brought',
      says: '"mine" not found',
      more: { claim: { name: 'mine', isOurs: false } },
      volumeGone: undefined,
    },
    {
      name: 'is another one that goes, such as that of a model',
      says: '"models" is being deleted',
      more: { claim },
      volumeGone: undefined,
    },
  ])('$name', ({ says, more, volumeGone }) => {
    const message = `0/2 nodes are available: persistentvolumeclaim ${says}. preemption: …`;
    const seen = observeAttempt(objects({ ...more, pods: [{ pod: pod(unscheduled(message)) }] }), now);
    expect([seen.waitingReason, seen.volumeGone]).toEqual(['VolumeUnavailable', volumeGone]);
  });
});

describe('a pod without its Job', () => {
  const gone = { job: undefined, jobIsGone: true };
  test.each([
    { name: 'goes on', given: { ...gone, pods: [{ pod: pod(trainer('Running', running())) }] }, orphaned: true },
    { name: 'waits', given: { ...gone, pods: [{ pod: pod() }] }, orphaned: true },
    {
      name: 'was asked to end',
      given: { ...gone, pods: [{ pod: pod(trainer('Running', running()), asked) }] },
      orphaned: undefined,
    },
    {
      name: 'has one after all',
      given: { pods: [{ pod: pod(trainer('Running', running())) }] },
      orphaned: undefined,
    },
  ])('$name', ({ given, orphaned }) => {
    expect(observeAttempt(objects(given), now).orphaned).toBe(orphaned);
  });
});
