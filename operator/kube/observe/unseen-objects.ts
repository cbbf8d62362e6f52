import type { R1Stage } from '../../api/resources/stage.ts';
import { hasNotEnded } from '../../core/attempts.ts';
import { attemptName } from '../../core/names.ts';
import type { KubeClient } from '../client/client.ts';
import { jobs, pods, type Job, type Pod, type Stored } from '../client/resources.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { podSelector } from '../objects/labels.ts';
import { idOf, isTrainer, stageIdOf } from '../objects/ownership.ts';
import { transformJob, transformPod } from '../objects/transform.ts';
import { withPods } from './attempt-objects.ts';
import { seemsFailed, type AttemptObjects } from './observe-attempt.ts';

/**
 * An attempt that another leader has started may be in the status before the watch of Jobs tells of it.
 *
 * @param seen Jobs and pods of the stage that watches have told of
 */
export async function findUnseenJobs(
  client: KubeClient,
  stage: Stored<R1Stage>,
  seen: readonly (Stored<Job> | Stored<Pod>)[],
): Promise<Stored<Job>[]> {
  const { metadata, status } = stage;
  const known = new Set(seen.filter(isTrainer).map((each) => attemptOf(each.metadata.labels)));
  const found: Stored<Job>[] = [];
  for (const record of status?.attempts ?? []) {
    const { number } = record;
    if (known.has(number) || !hasNotEnded(record)) continue;
    const name = { namespace: metadata.namespace, name: attemptName(metadata.name, number) };
    const job = await client.find(jobs, name);
    if (job !== undefined && stageIdOf(job) === idOf(stage)) found.push(transformJob(job));
  }
  return found;
}

/** The watch of Jobs can be ahead of that of pods, and only a pod knows why its Job has failed, or what it has made. */
export async function withUnseenPods(
  client: KubeClient,
  stage: Stored<R1Stage>,
  objects: AttemptObjects,
  now: number,
): Promise<AttemptObjects> {
  if (!seemsFailed(objects, now)) return objects;
  const labels = Object.entries(podSelector(stage, objects.number, 'trainer'));
  const labelSelector = labels.map(([label, value]) => `${label}=${value}`).join();
  const { items } = await client.list(pods, stage.metadata.namespace, { labelSelector });
  return withPods(objects, items.map(transformPod));
}
