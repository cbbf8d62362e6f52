import { describe, expect, test } from '@jest/globals';
import { classifyEnd } from '../../../../operator/core/retry.ts';
import { observeAttempt } from '../../../../operator/kube/observe/observe-attempt.ts';
import {
  asked,
  container,
  disrupted,
  job,
  jobCondition,
  now,
  pod,
  resultMessage,
  running,
  secondsAgo,
  terminated,
  objects,
  trainer,
} from '../../../support/attempt-objects.ts';

const failedJob = job({ status: jobCondition('Failed', 'Job has reached the specified backoff limit') });

function result(outcome: string, reason: string, message: string): string {
  return resultMessage({ outcome, reason, message, checkpoint: undefined });
}

/** A pod whose trainer is in this state, and whose proxy runs on. */
function withSidecar(state: Parameters<typeof trainer>[1], metadata = {}) {
  const proxy = container('istio-proxy', running());
  return pod({ phase: 'Running', containerStatuses: [container('trainer', state), proxy] }, metadata);
}

test('a pod that is told to end has not failed by its own, whatever runs beside its trainer', () => {
  const given = objects({ pods: [{ pod: withSidecar(terminated(70), asked) }] });
  expect(observeAttempt(given, now).state).not.toBe('ended');
});

describe('an attempt that has ended', () => {
  const failed = (status: Parameters<typeof pod>[0]) => objects({ job: failedJob, pods: [{ pod: pod(status) }] });
  test.each([
    {
      name: 'has succeeded, before its Job is Complete',
      given: objects({ pods: [{ pod: pod(trainer('Running', terminated(0, resultMessage()))) }] }),
      end: { outcome: 'Succeeded', message: '3 steps' },
    },
    {
      name: 'has succeeded, and its pod was cleaned away',
      given: objects({
        job: undefined,
        jobIsGone: true,
        pods: [{ pod: pod(trainer('Succeeded', terminated(0, resultMessage()))), goneAt: now }],
      }),
      end: { outcome: 'Succeeded', message: '3 steps' },
    },
    {
      name: 'has completed without a result',
      given: objects({
        job: job({ status: jobCondition('Complete') }),
        pods: [{ pod: pod(trainer('Succeeded', terminated(0))) }],
      }),
      end: { outcome: 'Failed', class: 'crashed', message: 'exit code 0 without a result' },
    },
    ...[
      { name: 'failed', status: terminated(64, result('failed', 'userError', 'no such file')), cause: 'userError' },
      { name: 'was killed for its memory', status: terminated(137, '', 'OOMKilled'), cause: 'outOfMemory' },
    ].map(({ name, status, cause }) => ({
      name: `${name} beside a sidecar that runs on`,
      given: objects({ pods: [{ pod: withSidecar(status) }] }),
      end: { outcome: 'Failed', class: cause },
    })),
    {
      name: 'is the fault of the manifest',
      given: failed(trainer('Failed', terminated(64, result('failed', 'userError', 'datasets[0]: no such file')))),
      end: { outcome: 'Failed', class: 'userError', message: 'datasets[0]: no such file' },
    },
    {
      name: 'has filled its volume',
      given: failed(trainer('Failed', terminated(66, result('failed', 'diskFull', 'no space left on /r1/out')))),
      end: { outcome: 'Failed', class: 'diskFull', message: 'no space left on /r1/out' },
    },
    {
      name: 'has diverged',
      given: failed(trainer('Failed', terminated(67, result('failed', 'diverged', 'loss is NaN')))),
      end: { outcome: 'Failed', class: 'diverged', message: 'loss is NaN' },
    },
    {
      name: 'was killed for its memory',
      given: failed(trainer('Failed', terminated(137, '', 'OOMKilled'))),
      end: { outcome: 'Failed', class: 'outOfMemory', message: 'out of memory: its limit is 64Gi' },
    },
    {
      name: 'ran out of heap and said so last',
      given: failed(
        trainer(
          'Failed',
          terminated(134, 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'),
        ),
      ),
      end: { outcome: 'Failed', class: 'outOfMemory' },
    },
    {
      name: 'was evicted by its kubelet',
      given: failed(
        trainer('Failed', terminated(137), { reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      ),
      end: { outcome: 'Failed', class: 'disruption', message: 'evicted: The node was low on resource: memory.' },
    },
    {
      name: 'was refused by its kubelet',
      given: failed({
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message: 'Allocate failed due to no healthy devices',
      }),
      end: {
        outcome: 'Failed',
        class: 'disruption',
        message: 'evicted: Allocate failed due to no healthy devices',
      },
    },
    {
      name: 'was preempted by the scheduler',
      given: failed(
        trainer(
          'Failed',
          terminated(143),
          disrupted('PreemptionByScheduler', 'preempting to accommodate a higher priority pod'),
        ),
      ),
      end: {
        outcome: 'Failed',
        class: 'disruption',
        message: 'preempted: preempting to accommodate a higher priority pod',
      },
    },
    {
      name: 'was evicted from a node that is drained, after it had saved',
      given: failed(
        trainer(
          'Failed',
          terminated(75, result('interrupted', 'interrupted', 'saved step 2')),
          disrupted('EvictionByEvictionAPI'),
        ),
      ),
      end: { outcome: 'Failed', class: 'disruption', message: 'evicted: saved step 2' },
    },
    {
      name: 'ran on a node that was removed',
      given: failed(trainer('Failed', running(), disrupted('DeletionByPodGC', 'PodGC: node no longer exists'))),
      end: { outcome: 'Failed', class: 'disruption', message: 'its node was lost: PodGC: node no longer exists' },
    },
    {
      name: 'ran on a node that is silent, where its pod stays for ever',
      given: objects({
        pods: [
          {
            pod: pod(
              trainer(
                'Running',
                running(),
                disrupted('DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint'),
              ),
              asked,
            ),
          },
        ],
      }),
      end: {
        outcome: 'Failed',
        class: 'disruption',
        message: 'its node was lost: Taint manager: deleting due to NoExecute taint',
      },
    },
    {
      name: 'ran on a node that became silent while its pod was ending',
      given: objects({ pods: [{ pod: pod(trainer('Running', running()), { deletionTimestamp: secondsAgo(31) }) }] }),
      end: { outcome: 'Failed', class: 'disruption', message: 'its node was lost: its kubelet is silent' },
    },
    {
      name: 'had its pod deleted, and saved',
      given: objects({
        job: failedJob,
        pods: [
          {
            pod: pod(trainer('Running', terminated(75, result('interrupted', 'interrupted', 'saved step 2'))), asked),
            goneAt: now,
          },
        ],
      }),
      end: { outcome: 'Failed', class: 'disruption', message: 'interrupted from outside: saved step 2' },
    },
    {
      name: 'had its pod deleted by force',
      given: objects({ job: failedJob, pods: [{ pod: pod(trainer('Running', running()), asked), goneAt: now }] }),
      end: { outcome: 'Failed', class: 'disruption', message: 'its pod was deleted' },
    },
    {
      name: 'had its pod deleted by force while no watch was there to see it go',
      given: objects({ job: failedJob, pods: [{ pod: pod(trainer('Running', running())), goneAt: now }] }),
      end: { outcome: 'Failed', class: 'disruption', message: 'its pod was deleted' },
    },
    ...[137, 143].map((code) => ({
      name: `had its pod deleted, and ended with ${code} before it had saved`,
      given: objects({
        job: failedJob,
        pods: [{ pod: pod(trainer('Failed', terminated(code, 'progress\nsaves\n')), asked) }],
      }),
      end: { outcome: 'Failed', class: 'disruption', message: 'its pod was deleted: saves' },
    })),
    {
      name: 'has crashed in a pod that was deleted',
      given: objects({ job: failedJob, pods: [{ pod: pod(trainer('Failed', terminated(139)), asked) }] }),
      end: { outcome: 'Failed', class: 'crashed', message: 'ended by SIGSEGV: its pod was deleted' },
    },
    {
      name: 'was killed in a pod that nobody deleted',
      given: failed(trainer('Failed', terminated(137))),
      end: { outcome: 'Failed', class: 'infrastructure', message: 'ended by SIGKILL' },
    },
    {
      name: 'had its Job deleted',
      given: objects({ jobIsGone: true, pods: [{ pod: pod(trainer('Failed', terminated(75)), asked), goneAt: now }] }),
      end: { outcome: 'Failed', class: 'disruption', message: 'interrupted from outside: its pod was deleted' },
    },
    {
      name: 'had its Job deleted before it had a pod',
      given: objects({ job: undefined, jobIsGone: true }),
      end: { outcome: 'Interrupted', message: 'ended before it ran: its Job was deleted' },
    },
    {
      name: 'could not fetch its model',
      given: failed({
        phase: 'Failed',
        initContainerStatuses: [
          container('fetch-model', terminated(64, 'progress\nuserError: Qwen/none: not found\n')),
        ],
      }),
      end: { outcome: 'Failed', class: 'userError', message: 'userError: Qwen/none: not found' },
    },
    {
      name: 'has crashed, with a stack at the end of its log',
      given: failed(
        trainer(
          'Failed',
          terminated(1, 'TypeError: x is not a function\n    at run (main.ts:1:2)\n\nNode.js v24.21.0'),
        ),
      ),
      end: { outcome: 'Failed', class: 'crashed', message: 'exit code 1: TypeError: x is not a function' },
    },
    {
      name: 'was stopped for suspension',
      given: objects({
        job: job({
          annotations: { 'r1.dev/stop-reason': 'suspended' },
          status: jobCondition('Failed', '', 'DeadlineExceeded'),
        }),
        pods: [{ pod: pod(trainer('Failed', terminated(75, result('interrupted', 'interrupted', 'saved step 2')))) }],
      }),
      end: { outcome: 'Interrupted', message: 'saved step 2' },
    },
    {
      name: 'was stopped for hanging',
      given: objects({
        job: job({ annotations: { 'r1.dev/stop-reason': 'hung' }, status: jobCondition('Failed') }),
        pods: [{ pod: pod(trainer('Failed', terminated(137))) }],
      }),
      end: { outcome: 'Failed', class: 'hung' },
    },
  ])('$name', ({ given, end }) => {
    const seen = observeAttempt(given, now);
    expect(seen.state).toBe('ended');
    expect(classifyEnd(seen)).toMatchObject(end);
    expect(seen.gpus).toBe(2);
  });

  test('gives its checkpoint relative to its directory, and the times that its container had', () => {
    const given = objects({ pods: [{ pod: pod(trainer('Succeeded', terminated(0, resultMessage()))) }] });
    expect(observeAttempt(given, now)).toMatchObject({
      directory: '8c5a1c0e/attempt-1',
      startedAt: Date.parse(secondsAgo(50)),
      endedAt: Date.parse(secondsAgo(2)),
      result: { checkpoint: { path: 'step-000003', step: 3 }, metrics: { loss: 0.5 } },
    });
  });
});

test('a container whose end no kubelet has seen ended when its Job did', () => {
  const state = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null } };
  const unseen = pod(trainer('Failed', state as unknown as Parameters<typeof trainer>[1]));
  const attempt = observeAttempt(objects({ job: failedJob, pods: [{ pod: unseen }] }), now);
  expect(attempt).toMatchObject({ state: 'ended', endedAt: now - 1000, exit: { signal: 'SIGKILL' } });
  expect(classifyEnd(attempt)).toMatchObject({ class: 'infrastructure' });
});
