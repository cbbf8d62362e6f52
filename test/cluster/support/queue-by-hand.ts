import type { KubeClient } from '../../../operator/kube/client/client.ts';
import { jobs, type ObjectName } from '../../../operator/kube/client/resources.ts';

const stopping = 'kueue.x-k8s.io/stopping';
const workload = 'kueue.x-k8s.io/workload';

/** Does to a Job what Kueue does once there is quota for it: the nodes of a flavor, and off it goes. */
export async function admit(client: KubeClient, job: ObjectName, nodeLabels: Record<string, string>): Promise<void> {
  await client.mergePatch(jobs, job, {
    spec: {
      suspend: false,
      template: { metadata: { annotations: { [workload]: `job-${job.name}` } }, spec: { nodeSelector: nodeLabels } },
    },
  });
}

/** Does to a Job what Kueue does when another one needs its quota, in the same three steps. */
export async function preempt(client: KubeClient, job: ObjectName, nodeLabels: Record<string, string>): Promise<void> {
  await client.mergePatch(jobs, job, { metadata: { annotations: { [stopping]: 'true' } }, spec: { suspend: true } });
  // The API server lets a Job's template be changed only while the Job has not started.
  await client.mergePatch(jobs, job, { status: { startTime: null } }, 'status');
  const nodeSelector = Object.fromEntries(Object.keys(nodeLabels).map((label) => [label, null]));
  await client.mergePatch(jobs, job, {
    metadata: { annotations: { [stopping]: null } },
    spec: { template: { metadata: { annotations: { [workload]: null } }, spec: { nodeSelector } } },
  });
}
