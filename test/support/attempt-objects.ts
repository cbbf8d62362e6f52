import type { AttemptObjects } from '../../operator/kube/observe/observe-attempt.ts';
import type { Job, Pod } from '../../operator/kube/client/resources.ts';

export const now = Date.parse('2026-01-01T12:00:00Z');

export function secondsAgo(seconds: number): string {
  return new Date(now - seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Metadata of a pod that was asked to end, and has minutes left for it. */
export const asked = { deletionTimestamp: new Date(now + 250_000).toISOString() };

/** One attempt that was made a minute ago: a Job without a pod, unless a test says otherwise. */
export function objects(more: Partial<AttemptObjects> = {}): AttemptObjects {
  return { number: 1, gpus: 2, directory: '8c5a1c0e/attempt-1', job: job(), jobIsGone: false, pods: [], ...more };
}

export function job({ spec, status, ...metadata }: JobParts = {}): Job {
  return {
    metadata: { name: 'sums-zero-1', creationTimestamp: secondsAgo(60), ...metadata },
    spec: { template: {}, ...spec },
    status: status ?? {},
  };
}
type JobParts = Partial<NonNullable<Job['metadata']>> & { spec?: Partial<Job['spec']>; status?: Job['status'] };

export function jobCondition(type: string, message = '', reason = ''): NonNullable<Job['status']> {
  return { conditions: [{ type, status: 'True', reason, message, lastTransitionTime: secondsAgo(1) }] };
}

export function pod(status: Pod['status'] = {}, metadata: Pod['metadata'] = {}): Pod {
  return {
    metadata: { name: 'sums-zero-1-x7k2p', uid: 'pod-1', creationTimestamp: secondsAgo(59), ...metadata },
    spec: { containers: [{ name: 'trainer', resources: { limits: { memory: '64Gi' } } }], nodeName: 'gpu-1' },
    status: { phase: 'Pending', ...status },
  };
}

type State = NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']>;

/** The status of a pod whose trainer is in this state. */
export function trainer(phase: string, state: State, more: Pod['status'] = {}): NonNullable<Pod['status']> {
  return { phase, containerStatuses: [container('trainer', state)], ...more };
}

export function container(name: string, state: State) {
  return { name, image: 'r1-operator:0.1.0', imageID: '', ready: false, restartCount: 0, state };
}

export function running(): State {
  return { running: { startedAt: secondsAgo(50) } };
}

export function terminated(exitCode: number, message = '', reason = exitCode === 0 ? 'Completed' : 'Error'): State {
  return { terminated: { exitCode, reason, message, startedAt: secondsAgo(50), finishedAt: secondsAgo(2) } };
}

export function disrupted(reason: string, message = ''): NonNullable<Pod['status']> {
  return { conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message }] };
}

/** What a trainer writes into its termination log. */
export function resultMessage(more: object = {}): string {
  return JSON.stringify({
    outcome: 'succeeded',
    reason: 'succeeded',
    message: '3 steps',
    checkpoint: { path: '/r1/out/8c5a1c0e/attempt-1/step-000003', step: 3, digest: 'ab'.repeat(32) },
    metrics: { loss: 0.5 },
    ...more,
  });
}
