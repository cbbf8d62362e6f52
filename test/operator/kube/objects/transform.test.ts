import { expect, test } from '@jest/globals';
import type { Job, Pod, Stored } from '../../../../operator/kube/client/resources.ts';
import { transformJob, transformOwn, transformPod } from '../../../../operator/kube/objects/transform.ts';

const metadata = {
  name: 'sums-zero-1-x7k2p',
  namespace: 'team',
  uid: 'pod-1',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T12:00:00Z',
  generateName: 'sums-zero-1-',
  labels: { 'r1.dev/stage': 'zero', 'job-name': 'sums-zero-1' },
  annotations: { 'r1.dev/stop-reason': 'suspended', 'cni.example/ip': '10.0.0.1' },
  managedFields: [{ manager: 'kubelet' }],
};
const identity = {
  name: 'sums-zero-1-x7k2p',
  namespace: 'team',
  uid: 'pod-1',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T12:00:00Z',
  labels: { 'r1.dev/stage': 'zero' },
  annotations: { 'r1.dev/stop-reason': 'suspended' },
};
const transition = { status: 'True', lastTransitionTime: '2026-01-01T12:00:00Z' };

test('of a pod that has ended, how it ended is kept, and nothing of what it was made from', () => {
  const pod = {
    metadata,
    spec: {
      nodeName: 'gpu-1',
      containers: [
        { name: 'trainer', image: 'r1-operator:0.1.0', env: [], resources: { limits: { memory: '64Gi', cpu: '8' } } },
        { name: 'proxy', image: 'proxy:1' },
      ],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    },
    status: {
      phase: 'Succeeded',
      podIP: '10.0.0.1',
      conditions: [
        { type: 'PodScheduled', ...transition, lastProbeTime: null },
        { type: 'Initialized', ...transition, lastProbeTime: null },
      ],
      containerStatuses: [
        {
          name: 'trainer',
          image: 'r1-operator:0.1.0',
          imageID: 'sha256:1f',
          containerID: 'containerd://2e',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 0,
              reason: 'Completed',
              message: '{}',
              startedAt: '2026-01-01T12:00:01Z',
              finishedAt: '2026-01-01T12:00:02Z',
              containerID: 'containerd://2e',
            },
          },
        },
      ],
    },
  } as unknown as Stored<Pod>;
  expect(transformPod(pod)).toEqual({
    metadata: identity,
    spec: { nodeName: 'gpu-1', containers: [{ name: 'trainer', resources: { limits: { memory: '64Gi' } } }] },
    status: {
      phase: 'Succeeded',
      conditions: [{ type: 'PodScheduled', ...transition }],
      containerStatuses: [
        {
          name: 'trainer',
          state: {
            terminated: {
              exitCode: 0,
              reason: 'Completed',
              message: '{}',
              startedAt: '2026-01-01T12:00:01Z',
              finishedAt: '2026-01-01T12:00:02Z',
            },
          },
        },
      ],
    },
  });
});

test('of a container that waits its image is kept, which may be what cannot be pulled', () => {
  const waiting = { reason: 'ErrImagePull', message: 'not found' };
  const status = { name: 'trainer', image: 'r1:0', imageID: '', ready: false, restartCount: 0, state: { waiting } };
  const pod: Stored<Pod> = { metadata, spec: { containers: [] }, status: { containerStatuses: [status] } };
  expect(transformPod(pod).status).toEqual({
    containerStatuses: [{ name: 'trainer', image: 'r1:0', state: { waiting } }],
  });
});

test('of a Job its conditions are kept, and how many pods it counts are only where they are rollout workers', () => {
  const conditions = [{ type: 'Complete', ...transition, reason: 'CompletionsReached', lastProbeTime: null }];
  const status = { active: 1, ready: 1, startTime: '2026-01-01T12:00:00Z', conditions };
  const job = { metadata, spec: { template: { spec: { containers: [] } } }, status } as unknown as Stored<Job>;
  const kept = [{ type: 'Complete', ...transition, reason: 'CompletionsReached' }];
  expect(transformJob(job)).toEqual({ metadata: identity, spec: { template: {} }, status: { conditions: kept } });
  const ofWorkers = { ...job, spec: { ...job.spec, completionMode: 'Indexed' } } as Stored<Job>;
  expect(transformJob(ofWorkers).status).toEqual({ active: 1, ready: 1, conditions: kept });
});

test('of our own objects all is kept but who wrote it, and what kubectl remembers', () => {
  const annotations = { mine: 'yes', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const { managedFields: _, ...kept } = metadata;
  const object = { apiVersion: 'r1.dev/v1alpha1', metadata: { ...metadata, annotations }, spec: { seed: 1 } };
  expect(transformOwn(object)).toEqual({ ...object, metadata: { ...kept, annotations: { mine: 'yes' } } });
});
