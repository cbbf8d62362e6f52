import { holds, placeOf, type Job, type Pod, type Snapshot } from './objects.ts';

/** What an attempt is at, by its Job and its pods alone. */
export interface AttemptReality {
  readonly number: number;
  readonly job: Job;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed';
  /** Of the checkpoint that its trainer named. */
  readonly digest?: string;
}

/** Attempts by the uid of their stage, oldest first. */
export function attemptsIn({ jobs, pods }: Snapshot): Map<string, AttemptReality[]> {
  const podsOf = Map.groupBy(
    pods,
    (pod) => pod.metadata.ownerReferences?.find(({ kind }) => kind === 'Job')?.uid ?? '',
  );
  const trainers = jobs.filter((job) => placeOf(job).isTrainer);
  const attempts = trainers.map((job) => attemptOf(job, podsOf.get(job.metadata.uid) ?? []));
  const sorted = attempts.toSorted((a, b) => a.number - b.number);
  return Map.groupBy(sorted, ({ job }) => placeOf(job).stage);
}

function attemptOf(job: Job, pods: readonly Pod[]): AttemptReality {
  const base = { number: placeOf(job).attempt, job };
  const success = pods.map(resultOf).find((result) => result?.outcome === 'succeeded');
  if (success !== undefined)
    return { ...base, state: 'succeeded', ...(success.checkpoint && { digest: success.checkpoint.digest }) };
  if (holds(job.status?.conditions, 'Failed')) return { ...base, state: 'failed' };
  return { ...base, state: pods.some(runs) ? 'running' : 'pending' };
}

interface Result {
  readonly outcome: string;
  readonly checkpoint?: { readonly digest: string };
}

function resultOf(pod: Pod): Result | undefined {
  const { terminated } = trainerIn(pod) ?? {};
  return terminated?.exitCode === 0 ? (JSON.parse(terminated.message ?? 'null') as Result | undefined) : undefined;
}

export function runs(pod: Pod): boolean {
  return trainerIn(pod)?.running !== undefined && pod.metadata.deletionTimestamp === undefined;
}

function trainerIn({ status }: Pod) {
  return status?.containerStatuses?.find(({ name }) => name === 'trainer')?.state;
}
