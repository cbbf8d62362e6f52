import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { attemptDirectory, claimNameOf } from '../../core/names.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { isTrainer } from '../objects/ownership.ts';
import { gpusOf } from '../objects/gpus.ts';
import { gpusAnnotation } from '../objects/labels.ts';
import { isAskedToEnd, isLive, type AttemptObjects, type ObservedPod } from './observe-attempt.ts';
import type { Job, Pod, Stored } from '../client/resources.ts';
import { trainerStatus } from './attempt-end.ts';
import type { Tombstones } from './tombstones.ts';

type Growing = AttemptObjects & { readonly pods: ObservedPod[] };

/** What the cluster shows of a stage's attempts that have not been recorded as ended, oldest first. */
export function attemptObjectsOf(
  stage: R1Stage,
  jobs: readonly Stored<Job>[],
  pods: readonly Stored<Pod>[],
  tombstones: ReturnType<Tombstones['get']>,
): AttemptObjects[] {
  const ended = new Set(
    (stage.status?.attempts ?? [])
      .filter(({ outcome }) => outcome !== 'Pending' && outcome !== 'Running')
      .map(({ number }) => number),
  );
  const objects = new Map<number, Growing>();
  const gpusOfWorkers = (number: number): number => {
    const workers = jobs.find((job) => !isTrainer(job) && attemptOf(job.metadata.labels) === number);
    return workers === undefined ? 0 : gpusOfPod(workers) * (workers.status?.ready ?? 0);
  };
  const claim = { name: claimNameOf(stage.spec), isOurs: stage.spec.storage.claimName === undefined };
  const at = (object: Stored<Job> | Stored<Pod>): Growing | undefined => {
    const number = isTrainer(object) ? attemptOf(object.metadata.labels) : 0;
    if (number === 0 || ended.has(number)) return undefined;
    const known = objects.get(number);
    if (known !== undefined) return known;
    const directory = attemptDirectory(stage.metadata.uid ?? '', number);
    const fresh: Growing = {
      number,
      gpus: gpusOf(stage.spec),
      directory,
      claim,
      job: undefined,
      jobIsGone: true,
      pods: [],
    };
    objects.set(number, fresh);
    return fresh;
  };
  const setJob = (job: Stored<Job>, jobIsGone: boolean): void => {
    const each = at(job);
    if (each === undefined) return;
    // What the stage asks for by now may be more or less than what this attempt was given.
    const gpus = gpusOfPod(job) + gpusOfWorkers(each.number);
    objects.set(each.number, { ...each, gpus, job, jobIsGone });
  };

  for (const { object } of tombstones.jobs) setJob(object, true);
  for (const job of jobs) setJob(job, false);
  for (const { object, goneAt } of tombstones.pods) at(object)?.pods.push({ pod: object, goneAt });
  for (const pod of pods) at(pod)?.pods.push({ pod });
  return [...objects.values()]
    .map((each) => ({ ...each, pods: inOrder(each.pods) }))
    .toSorted((a, b) => a.number - b.number);
}

function gpusOfPod({ metadata }: Stored<Job>): number {
  return Number(metadata.annotations?.[gpusAnnotation] ?? 0);
}

/** The same with pods as the API server has them now. */
export function withPods(objects: AttemptObjects, found: readonly Stored<Pod>[]): AttemptObjects {
  const pods = new Map(objects.pods.map((each) => [each.pod.metadata?.uid, each]));
  for (const pod of found) pods.set(pod.metadata.uid, { pod });
  return { ...objects, pods: inOrder([...pods.values()]) };
}

/**
 * The last one is that by which the attempt is told: there are several where a queue took one away and gave another, or where
 * the Job controller lost the answer to its create, made another one and ended one of the two. One that found another one at work
 * tells nothing.
 */
function inOrder(pods: readonly ObservedPod[]): ObservedPod[] {
  const sorted = pods.toSorted((a, b) => weight(a) - weight(b) || lastSeenAt(a) - lastSeenAt(b));
  const writers = sorted.filter(({ pod }) => exitCodeOf(pod) !== exitCodes.anotherWriter);
  return writers.length === 0 ? sorted : writers;
}

/** How much a pod says of its attempt. */
function weight(observed: ObservedPod): number {
  const { pod } = observed;
  if (exitCodeOf(pod) === exitCodes.succeeded) return 4;
  if (!isLive(observed)) return 0;
  if (isAskedToEnd(pod)) return 1;
  return trainerStatus(pod)?.state?.running === undefined ? 2 : 3;
}

function exitCodeOf(pod: Pod): number | undefined {
  return trainerStatus(pod)?.state?.terminated?.exitCode;
}

/** When it ended; of one that goes on when it was made. */
function lastSeenAt(observed: ObservedPod): number {
  const { pod, goneAt } = observed;
  const made = Date.parse(pod.metadata?.creationTimestamp ?? '');
  if (isLive(observed)) return made;
  // A kubelet that did not see the container end gives null.
  const finishedAt = trainerStatus(pod)?.state?.terminated?.finishedAt;
  return finishedAt ? Date.parse(finishedAt) : (goneAt ?? made);
}
