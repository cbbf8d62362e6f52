import { isNotFound } from '../client/api-error.ts';
import type { KubeClient } from '../client/client.ts';
import { workloads, type Job, type Workload } from '../client/resources.ts';

const queueLabel = 'kueue.x-k8s.io/queue-name';

/** The queue that a Job waits in; undefined of one that does not wait, or that no queue holds back. */
export function queueOf(job: Job | undefined): string | undefined {
  return job?.spec?.suspend === true ? job.metadata?.labels?.[queueLabel] : undefined;
}

/** Why Kueue lets a Job wait, as far as it says so. */
export async function queueMessage(client: KubeClient, { metadata }: Job): Promise<string | undefined> {
  try {
    const query = { labelSelector: `kueue.x-k8s.io/job-uid=${metadata?.uid}`, limit: 1 };
    const { items } = await client.list(workloads, metadata?.namespace, query);
    return messageOf(items[0]);
  } catch (error) {
    if (isNotFound(error)) return 'this cluster has no Kueue that serves kueue.x-k8s.io/v1beta2';
    throw error;
  }
}

function messageOf(workload: Workload | undefined): string | undefined {
  if (workload === undefined) return 'Kueue takes no notice of its Job; is its integration batch/job on, also here?';
  if (workload.spec?.active === false) return 'its Workload is not active';
  const { conditions = [], admissionChecks = [] } = workload.status ?? {};
  const reserved = conditions.find(({ type }) => type === 'QuotaReserved');
  if (reserved?.status !== 'True') return reserved?.message?.slice(0, 500);
  const check = admissionChecks.find(({ state }) => state !== 'Ready');
  return check && `admission check ${check.name} is ${check.state}: ${check.message?.slice(0, 500) ?? ''}`;
}
