import { succeededStatus } from '../../api/resources/conditions.ts';
import { inputsOf, type R1Stage } from '../../api/resources/stage.ts';
import type { StageDefaults } from '../../api/resources/stage-defaults.ts';
import type { AttemptObserved, RolloutsObserved, StageObserved } from '../../core/observed.ts';
import type { AssumeCache } from '../client/assume-cache.ts';
import type { KubeClient } from '../client/client.ts';
import { keyOf, type Job, type Pod, type Stored } from '../client/resources.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { idOf, isTrainer, ownerOf, siblingsOf } from '../objects/ownership.ts';
import { defaultImageOf, hasOtherDefaults, madeWith } from '../objects/stage-defaults.ts';
import { hasEnded } from '../objects/pod.ts';
import { isOutlived } from './attempt-end.ts';
import { attemptObjectsOf } from './attempt-objects.ts';
import { stageProblem } from './cluster-problem.ts';
import { isHeldBackForGood, isUnended, lostAt, observeAttempt } from './observe-attempt.ts';
import type { PendingPods } from './pending-pods.ts';
import type { ProgressPoller } from './progress.ts';
import { lacksPods, observeWorkers } from './rollout-workers.ts';
import type { Tombstones } from './tombstones.ts';
import { findUnseenJobs, withUnseenPods } from './unseen-objects.ts';

/** Where the state of stages is known from. */
export interface StageSources {
  readonly client: KubeClient;
  /** By the `idOf` of their pipeline. */
  readonly stages: AssumeCache<R1Stage>;
  /** By the `idOf` of their R1Stage. */
  readonly jobs: AssumeCache<Job>;
  /** By the `idOf` of their R1Stage. */
  readonly pods: { byIndex(stageId: string): readonly Stored<Pod>[] };
  readonly tombstones: Tombstones;
  readonly progress: ProgressPoller;
  readonly pending: PendingPods;
  /** What an attempt would be made with now. */
  readonly defaults: StageDefaults;
  readonly image: string;
}

/** A stage and what the cluster shows of it. What was refused is known to whoever asked. */
export async function observeStage(
  stage: Stored<R1Stage>,
  sources: StageSources,
  now: number,
): Promise<Omit<StageObserved, 'refusal' | 'stopRefusal' | 'rolloutRefusal'>> {
  const { client, tombstones, progress, pending } = sources;
  const id = idOf(stage);
  const seen = { jobs: sources.jobs.byIndex(id), pods: sources.pods.byIndex(id) };
  const unseenJobs = await findUnseenJobs(client, stage, [...seen.jobs, ...seen.pods]);
  const found = attemptObjectsOf(stage, [...seen.jobs, ...unseenJobs], seen.pods, tombstones.get(id));
  const objects = await Promise.all(
    found.map(async (each) => {
      const podUid = each.pods.at(-1)?.pod.metadata?.uid ?? '';
      const said = { progress: progress.latest(podUid), silentMs: progress.silentMs(podUid) };
      const heard = { ...each, ...said, eventMessage: pending.messageFor(keyOf(stage), each) };
      return withUnseenPods(client, stage, heard, now);
    }),
  );
  const lost = objects.flatMap(({ pods }) => lostAt(pods.at(-1)) ?? []);
  const problem = stageProblem(stage.spec) ?? inputProblem(stage, sources.stages);
  const attempts = objects.map((each) => {
    const attempt = observeAttempt(each, now);
    const waits = attempt.state === 'pending' && each.job !== undefined;
    return waits ? { ...attempt, ...madeWithOthers(each.job, stage, sources) } : attempt;
  });
  return {
    now,
    stage,
    attempts,
    rollouts: rolloutsOf(stage, attempts, seen, sources),
    leftovers: leftoversOf(seen.jobs, seen.pods),
    ...(lost.length === 0 ? {} : { changesAt: Math.min(...lost) }),
    ...(problem === undefined ? {} : { inputProblem: problem }),
  };
}

/** Whether the Job of something that waits was made with other defaults than those of now. */
function madeWithOthers(
  job: Job,
  stage: Stored<R1Stage>,
  { defaults, image }: Pick<StageSources, 'defaults' | 'image'>,
): { readonly hasOtherDefaults?: true } {
  return hasOtherDefaults(job, madeWith(stage, defaults, image)) ? { hasOtherDefaults: true } : {};
}

function rolloutsOf(
  stage: Stored<R1Stage>,
  attempts: readonly AttemptObserved[],
  seen: { readonly jobs: readonly Stored<Job>[]; readonly pods: readonly Stored<Pod>[] },
  { pending, defaults, image }: StageSources,
): RolloutsObserved[] {
  const workers = seen.jobs.filter((job) => !isTrainer(job) && job.metadata.deletionTimestamp === undefined);
  const messages = new Map<number, string | undefined>();
  for (const { number, state } of attempts) {
    const made = workers.find(({ metadata }) => attemptOf(metadata.labels) === number);
    const job = state === 'running' && made !== undefined && lacksPods(made) ? made : undefined;
    const awaited = { number, job, jobIsGone: job === undefined, pods: [] };
    messages.set(number, pending.messageFor(keyOf(stage), awaited, 'rollout-worker'));
  }
  return workers.map((job) => {
    const observed = observeWorkers(job, seen.pods, messages.get(attemptOf(job.metadata.labels)));
    if (observed.running > 0) return observed;
    const learner = seen.jobs.find((each) => isTrainer(each) && attemptOf(each.metadata.labels) === observed.attempt);
    return { ...observed, ...madeWithOthers(job, stage, { defaults, image: defaultImageOf(learner, image) }) };
  });
}

/** Pods that go on belong to Jobs, and go with them; a Job that a queue holds back has none yet. */
function leftoversOf(
  jobs: readonly Stored<Job>[],
  pods: readonly Stored<Pod>[],
): NonNullable<StageObserved['leftovers']> {
  return jobs
    .filter((job) => isTrainer(job) && job.metadata.deletionTimestamp === undefined)
    .flatMap((job) => {
      const attempt = attemptOf(job.metadata.labels);
      const own = pods.filter((pod) => isTrainer(pod) && attemptOf(pod.metadata.labels) === attempt);
      const live = own.filter((pod) => !hasEnded(pod));
      if (isUnended(job, own)) return [{ attempt, isOutlived: false, isUnended: true as const }];
      if (live.length > 0) return [{ attempt, isOutlived: live.some(isOutlived) }];
      return isHeldBackForGood(job) ? [{ attempt, isOutlived: true }] : [];
    });
}

/** An input whose stage runs again is not there, or is another one than was pinned. */
function inputProblem(stage: Stored<R1Stage>, stages: StageSources['stages']): string | undefined {
  if (ownerOf(stage.metadata) === undefined) return undefined; // applied without a pipeline: its inputs are what they are
  const siblings = siblingsOf(stage, stages);
  for (const input of inputsOf(stage.spec)) {
    const maker = siblings.find((each) => each.spec.stage === input.stage);
    if (succeededStatus(maker?.status?.conditions) !== 'True') return `waits for ${input.stage}, which is run again`;
    if (maker?.status?.checkpoint?.digest !== input.digest) return `the output of ${input.stage} is not the pinned one`;
  }
  return undefined;
}
