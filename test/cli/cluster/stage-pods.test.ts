import { expect, test } from '@jest/globals';
import { chooseNewest, isOver, readableLog, whyWaiting } from '../../../cli/cluster/stage-pods.ts';
import type { Pod, Stored } from '../../../operator/kube/client/resources.ts';

type ContainerState = NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']>;

function pod(name: string, attempt: number, second = 0, worker?: number): Stored<Pod> {
  const labels = {
    'r1.dev/attempt': String(attempt),
    'app.kubernetes.io/component': worker === undefined ? 'trainer' : 'rollout-worker',
    ...(worker !== undefined && { 'batch.kubernetes.io/job-completion-index': String(worker) }),
  };
  const creationTimestamp = `2026-01-01T12:00:0${second}Z`;
  return { metadata: { name, namespace: 'team', uid: name, resourceVersion: '1', creationTimestamp, labels } };
}

function inState(state: ContainerState, lastState: ContainerState = {}): Stored<Pod> {
  const container = { name: 'trainer', image: '', imageID: '', ready: false, restartCount: 0, state, lastState };
  const sidecar = { ...container, name: 'proxy', state: { running: {} } };
  return { ...pod('p', 1), status: { containerStatuses: [sidecar, container] } };
}

const names = (pods: readonly Stored<Pod>[]): string[] => pods.map(({ metadata }) => metadata.name);

const all = [pod('a', 1), pod('worker-0', 2, 3, 0), pod('b-preempted', 2, 1), pod('b', 2, 2), pod('worker-1', 2, 3, 1)];

test.each([
  { choice: {}, chosen: ['b', 'b-preempted', 'a'] },
  { choice: { attempt: 1 }, chosen: ['a'] },
  { choice: { rollout: 1 }, chosen: ['worker-1'] },
  { choice: { rollout: 0, attempt: 1 }, chosen: [] },
])('of attempts and workers $choice chooses $chosen, newest first', ({ choice, chosen }) => {
  expect(names(chooseNewest(all, choice))).toEqual(chosen);
});

test.each([
  { name: 'a container that runs', given: inState({ running: {} }), log: 'current' },
  { name: 'one that has ended', given: inState({ terminated: { exitCode: 0 } }), log: 'current' },
  { name: 'one between two starts', given: inState({ waiting: {} }, { terminated: { exitCode: 1 } }), log: 'previous' },
  { name: 'one that has not begun, beside one of others that has', given: inState({ waiting: {} }), log: undefined },
  { name: 'a pod that no node has', given: pod('p', 1), log: undefined },
])('$name: $log log', ({ given, log }) => {
  expect(readableLog(given)).toBe(log);
});

test('says why a pod has not begun', () => {
  const message = '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.';
  const condition = { type: 'PodScheduled', status: 'False', message };
  expect(whyWaiting({ ...pod('p', 1), status: { conditions: [condition] } })).toContain('Insufficient nvidia.com/gpu');
  expect(whyWaiting(inState({ waiting: { reason: 'ContainerCreating' } }))).toBe('ContainerCreating');
});

test('a pod that has succeeded or failed is over, also one whose trainer has ended beside others that run', () => {
  const ended = inState({ terminated: { exitCode: 0 } });
  expect(isOver({ ...ended, spec: { containers: [], restartPolicy: 'Never' } })).toBe(true);
  expect(isOver({ ...ended, spec: { containers: [], restartPolicy: 'OnFailure' } })).toBe(false);
  expect(isOver({ ...pod('p', 1), status: { phase: 'Failed' } })).toBe(true);
  expect(isOver({ ...pod('p', 1), status: { phase: 'Running' } })).toBe(false);
});
