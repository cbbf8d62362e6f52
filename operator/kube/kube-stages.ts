import { annotations } from '../api/metadata.ts';
import { succeededStatus } from '../api/conditions.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import { inputsOf, type R1Stage, type StageStatus } from '../api/stage.ts';
import type { StageDefaults } from '../api/stage-defaults.ts';
import type { StageAction } from '../core/decide-stage.ts';
import { hasNotEnded } from '../core/attempts.ts';
import { attemptName } from '../core/names.ts';
import type { StageObserved, StopReason } from '../core/observed.ts';
import { firstOwner, goneRuns, isStageOf } from '../core/stage-runs.ts';
import { attemptDigest } from '../core/settings-digest.ts';
import { endChanged, recordsEnd, type StageShell } from '../reconciler.ts';
import type { AssumeCache } from './client/assume-cache.ts';
import type { KubeClient } from './client/client.ts';
import { stageProblem } from './observe/cluster-problem.ts';
import { hasEnded, isOutlived } from './observe/attempt-end.ts';
import { RefusedError } from './client/create-owned.ts';
import type { EventRecorder } from './client/events.ts';
import { endedAttempts, stageEvents } from './apply/status-events.ts';
import { ignoreNotFound } from './client/api-error.ts';
import type { Logger } from './logger.ts';
import type { OperatorMetrics } from './metrics.ts';
import { attemptOf } from './objects/attempt-job.ts';
import { podSelector } from './objects/labels.ts';
import { withStageDefaults } from './apply/stage-defaults.ts';
import { lostAt, observeAttempt, seemsFailed, type AttemptObjects } from './observe/observe-attempt.ts';
import type { PendingPods } from './observe/pending-pods.ts';
import type { ProgressPoller } from './observe/progress.ts';
import { Refusals } from './apply/refusals.ts';
import { jobs, keyIn, pods, type Job, type Pod, type Stored } from './client/resources.ts';
import { stages } from './objects/r1-kinds.ts';
import { StatusWriter, type StatusWriterOptions } from './apply/status-writer.ts';
import { RolloutWorkers } from './apply/rollout-workers.ts';
import { startAttempt } from './apply/start-attempt.ts';
import { ownerOf, idOf, isTrainer, stageIdOf } from './objects/ownership.ts';
import { attemptObjectsOf, withPods } from './observe/attempt-objects.ts';
import { type Tombstones } from './observe/tombstones.ts';
import { transformJob, transformPod } from './objects/transform.ts';
import type { VolumeClaims } from './apply/volume-claims.ts';

export interface KubeStagesOptions {
  readonly client: KubeClient;
  readonly pipelines: AssumeCache<R1Pipeline>;
  readonly stages: AssumeCache<R1Stage>;
  /** By the uid of the R1Stage. */
  readonly jobs: AssumeCache<Job>;
  /** By the uid of the R1Stage. */
  readonly pods: { byIndex(stageId: string): readonly Stored<Pod>[] };
  readonly tombstones: Tombstones;
  readonly claims: VolumeClaims;
  readonly progress: ProgressPoller;
  readonly pending: PendingPods;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
  readonly logger: Logger;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
  readonly hubEndpoint: string | undefined;
  readonly defaults: StageDefaults;
  /** A pass for a stage should follow. */
  readonly requeueAfter: (key: string, afterMs: number) => void;
  readonly onPruned: StatusWriterOptions<R1Stage, StageStatus>['onPruned'];
}

/** A stage that another object has first is looked at again this often. */
const retryTakenMs = 30_000;
/** What nobody waits for, such as how far a stage is, is written after so long, with what comes in between. */
const settleMs = 500;

/** Stages on a cluster: a Job is an attempt. Keys are `namespace/name`. */
export class KubeStages implements StageShell {
  private readonly options: KubeStagesOptions;
  private readonly refusals = new Refusals();
  private readonly rolloutRefusals = new Refusals();
  private readonly rolloutWorkers: RolloutWorkers;
  private readonly statuses: StatusWriter<R1Stage, StageStatus>;

  constructor(options: KubeStagesOptions) {
    this.options = options;
    this.rolloutWorkers = new RolloutWorkers(options);
    this.statuses = new StatusWriter({
      ...options,
      kind: stages,
      objects: options.stages,
      settleMs: (old, status) => (endChanged(old, status) || recordsEnd(old?.attempts, status.attempts) ? 0 : settleMs),
      eventsOf: stageEvents,
    });
  }

  /** There is no such stage any more. */
  forget(key: string): void {
    this.statuses.forget(key);
    this.refusals.forget(key);
    this.rolloutRefusals.forget(key);
  }

  async observeStage(key: string): Promise<StageObserved | undefined> {
    const stage = this.options.stages.get(key);
    if (stage === undefined || stage.metadata.deletionTimestamp !== undefined) return undefined;
    const now = Date.now();
    const problem = stageProblem(stage.spec) ?? this.inputProblem(stage);
    const missing = await this.findMissingJobs(stage);
    const objects = await Promise.all(
      this.attemptObjectsOf(key, stage, missing).map((each) => this.withItsPods(stage, each, now)),
    );
    const { refusal: rolloutRefusal } = this.rolloutRefusals.get(key, stage);
    const lost = objects.flatMap(({ pods: [...all] }) => lostAt(all.at(-1)) ?? []);
    return {
      now,
      stage,
      attempts: objects.map((each) => observeAttempt(each, now)),
      rollouts: this.rolloutsOf(stage),
      ...(rolloutRefusal === undefined ? {} : { rolloutRefusal }),
      ...(lost.length === 0 ? {} : { changesAt: Math.min(...lost) }),
      ...(problem === undefined ? {} : { inputProblem: problem }),
      ...this.refusals.get(key, stage),
    };
  }

  private rolloutsOf(stage: Stored<R1Stage>): { readonly attempt: number; readonly workers: number }[] {
    const workers = this.options.jobs.byIndex(idOf(stage)).filter((job) => !isTrainer(job));
    return workers
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec }) => ({ attempt: attemptOf(metadata.labels), workers: spec?.completions ?? 0 }));
  }

  private attemptObjectsOf(key: string, stage: Stored<R1Stage>, missing: readonly Stored<Job>[]): AttemptObjects[] {
    const { jobs: jobCache, pods: podCache, tombstones, progress, pending } = this.options;
    const id = idOf(stage);
    const found = [...jobCache.byIndex(id), ...missing];
    const objects = attemptObjectsOf(stage, found, podCache.byIndex(id), tombstones.get(id));
    return objects.map((each) => {
      const newest = each.pods.at(-1);
      return {
        ...each,
        progress: progress.latest(newest?.pod.metadata?.uid ?? ''),
        silentMs: progress.silentMs(newest?.pod.metadata?.uid ?? ''),
        eventMessage: pending.messageFor(key, each),
      };
    });
  }

  /** An attempt that another leader has started may be in the status before the watch of Jobs tells of it. */
  private async findMissingJobs(stage: Stored<R1Stage>): Promise<Stored<Job>[]> {
    const { metadata, status } = stage;
    const id = idOf(stage);
    const { client, jobs: jobCache, pods: podCache } = this.options;
    const missing: Stored<Job>[] = [];
    const known = [...jobCache.byIndex(id), ...podCache.byIndex(id)].filter(isTrainer);
    for (const record of status?.attempts ?? []) {
      const { number } = record;
      const isKnown = known.some((each) => attemptOf(each.metadata.labels) === number);
      if (isKnown || !hasNotEnded(record)) continue;
      const name = { namespace: metadata.namespace, name: attemptName(metadata.name, number) };
      const job = await client.find(jobs, name);
      if (job !== undefined && stageIdOf(job) === id) missing.push(transformJob(job));
    }
    return missing;
  }

  /** The watch of Jobs can be ahead of that of pods, and only a pod knows why its Job has failed, or what it has made. */
  private async withItsPods(stage: Stored<R1Stage>, objects: AttemptObjects, now: number): Promise<AttemptObjects> {
    if (!seemsFailed(objects, now)) return objects;
    const labels = Object.entries(podSelector(stage, objects.number, 'trainer'));
    const labelSelector = labels.map(([label, value]) => `${label}=${value}`).join();
    const { items } = await this.options.client.list(pods, stage.metadata.namespace, { labelSelector });
    return withPods(objects, items.map(transformPod));
  }

  /** An input whose stage runs again is not there, or is another one than was pinned. */
  private inputProblem(stage: Stored<R1Stage>): string | undefined {
    if (ownerOf(stage.metadata) === undefined) return undefined; // applied without a pipeline: its inputs are what they are
    const siblings = this.siblingsOf(stage);
    for (const input of inputsOf(stage.spec)) {
      const maker = siblings.find((each) => each.spec.stage === input.stage);
      if (maker === undefined || !hasSucceeded(maker)) return `waits for ${input.stage}, which is run again`;
      if (maker.status?.checkpoint?.digest !== input.digest) {
        return `the output of ${input.stage} is not the pinned one`;
      }
    }
    return undefined;
  }

  /** All stages of its pipeline, itself included. */
  private siblingsOf({ metadata }: Stored<R1Stage>): readonly Stored<R1Stage>[] {
    const owner = ownerOf(metadata);
    if (owner === undefined) return [];
    const owned = this.options.stages.byIndex(idOf({ metadata: { namespace: metadata.namespace, uid: owner.uid } }));
    return owned.filter((each) => isStageOf(owner.name, each));
  }

  private *stagesIn(namespace: string): Generator<Stored<R1Stage>> {
    for (const stage of this.options.stages.all()) if (stage.metadata.namespace === namespace) yield stage;
  }

  async applyToStage(key: string, action: StageAction): Promise<void> {
    const stage = this.options.stages.get(key);
    if (stage === undefined) return;
    const isAboutAttempt = action.kind === 'StopAttempt' || action.kind === 'StartAttempt';
    const refusals = isAboutAttempt ? this.refusals : this.rolloutRefusals;
    try {
      if (action.kind === 'StopAttempt') await this.stop(stage, action.attempt, action.reason);
      else if (action.kind === 'StartAttempt') await this.start(stage, action.attempt);
      else await this.rolloutWorkers.apply(stage, action);
      refusals.forget(key);
      const { kind, ...what } = action;
      this.options.logger.info('acted', { stage: key, action: kind, ...what });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      refusals.add(key, stage, error);
      if (!isAboutAttempt) {
        const { message } = error;
        this.options.events.record(stages, stage, { type: 'Warning', reason: 'RolloutWorkersRefused', message });
      }
      this.options.requeueAfter(key, 0);
    }
  }

  private async start(stage: Stored<R1Stage>, number: number): Promise<void> {
    const { client, claims, image, hubEndpoint, defaults, jobs: cache } = this.options;
    const { namespace } = stage.metadata;
    const first = firstOwner(stage, this.stagesIn(namespace));
    if (first !== undefined) throw new RefusedError(secondOwner(stage, first), retryTakenMs);
    const finished = this.siblingsOf(stage).filter((each) => each !== stage && hasSucceeded(each));
    const claim = await claims.ensure(
      stage,
      this.pipelineOf(stage),
      finished.map(({ spec }) => spec.stage),
    );
    await this.deleteLostJobs(stage, number);
    const job = await startAttempt(client, {
      stage: withStageDefaults(stage, defaults),
      number,
      madeFrom: attemptDigest(stage.spec),
      image,
      claim,
      goneRuns: goneRuns(this.pipelineOf(stage), stage, this.stagesIn(namespace)),
      hubEndpoint,
    });
    cache.assume(transformJob(job));
  }

  /** Of attempts that count as ended although their node never answered: their pods go when it does, or is gone. */
  private async deleteLostJobs(stage: Stored<R1Stage>, before: number): Promise<void> {
    const id = idOf(stage);
    const lost = this.options.pods.byIndex(id).filter((pod) => isTrainer(pod) && !hasEnded(pod));
    const numbers = lost.map(({ metadata: { labels } }) => attemptOf(labels));
    await this.deleteJobs(stage, new Set(numbers.filter((number) => number < before)));
  }

  /** Only once its end is recorded: the pod that tells of it goes with its Job. */
  private async endOutlived(stage: Stored<R1Stage>): Promise<void> {
    const id = idOf(stage);
    const ended = stage.status?.attempts.filter((each) => !hasNotEnded(each)).map(({ number }) => number) ?? [];
    const outlived = this.options.pods.byIndex(id).filter((pod) => isTrainer(pod) && isOutlived(pod));
    const numbers = new Set(outlived.map(({ metadata }) => attemptOf(metadata.labels)));
    await this.deleteJobs(stage, numbers.intersection(new Set(ended)));
  }

  private async deleteJobs(stage: Stored<R1Stage>, attempts: ReadonlySet<number>): Promise<void> {
    for (const job of this.options.jobs.byIndex(idOf(stage))) {
      if (!isTrainer(job) || !attempts.has(attemptOf(job.metadata.labels))) continue;
      await this.options.client.delete(jobs, job.metadata, job.metadata.uid).catch(ignoreNotFound);
    }
  }

  private pipelineOf({ metadata, spec }: Stored<R1Stage>): Stored<R1Pipeline> | undefined {
    const pipeline = this.options.pipelines.get(keyIn(metadata.namespace, spec.pipeline));
    return pipeline?.metadata.uid === ownerOf(metadata)?.uid ? pipeline : undefined;
  }

  /**
   * The Job controller ends the pods of a Job past its deadline in order, and the Job stays to tell of it. A Job that waits in
   * a queue has no deadline; it is deleted, once it says why.
   */
  private async stop(stage: Stored<R1Stage>, attempt: number, reason: StopReason): Promise<void> {
    const { client, jobs: cache } = this.options;
    const name = { namespace: stage.metadata.namespace, name: attemptName(stage.metadata.name, attempt) };
    const job = cache.get(keyIn(name.namespace, name.name)) ?? (await client.find(jobs, name));
    if (job === undefined || stageIdOf(job) !== idOf(stage)) return;
    const wasTold = job.metadata.annotations?.[annotations.stopReason] !== undefined;
    const stopped = wasTold ? job : await this.order(job, reason);
    if (stopped === undefined) return;
    if (stopped.spec?.suspend === true) await client.delete(jobs, name, stopped.metadata.uid).catch(ignoreNotFound);
  }

  private async order(job: Stored<Job>, reason: StopReason): Promise<Stored<Job> | undefined> {
    const patch = {
      metadata: { annotations: { [annotations.stopReason]: reason } },
      spec: { activeDeadlineSeconds: 1 },
    };
    const stopped = await this.options.client.mergePatch(jobs, job.metadata, patch).catch(ignoreNotFound);
    if (stopped !== undefined) this.options.jobs.assume(transformJob(stopped));
    return stopped;
  }

  async saveStageStatus(key: string, status: StageStatus): Promise<void> {
    const known = this.options.stages.get(key);
    const saved = await this.statuses.save(key, status);
    for (const { outcome, class: cause } of saved === undefined ? [] : endedAttempts(known?.status, status)) {
      this.options.metrics.attemptEnded(outcome, cause);
    }
    const stage = saved ?? known;
    if (stage !== undefined) await this.endOutlived(stage);
  }
}

function secondOwner({ spec }: R1Stage, first: R1Stage): string {
  const { pipeline, stage } = spec;
  return `stage ${stage} of pipeline ${pipeline} is R1Stage ${first.metadata.name} already: give spec.stage or spec.pipeline another name`;
}

function hasSucceeded({ status }: R1Stage): boolean {
  return succeededStatus(status?.conditions) === 'True';
}
