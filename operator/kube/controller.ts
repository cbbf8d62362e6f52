import { findCondition } from '../api/conditions.ts';
import { stateOf } from '../api/display.ts';
import { labels } from '../api/metadata.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import type { R1Stage } from '../api/stage.ts';
import type { StageDefaults } from '../api/stage-defaults.ts';
import { systemClock, type Clock } from '../clock.ts';
import { WorkQueue } from '../queue.ts';
import { reconcilePipeline, reconcileStage, type Pass } from '../reconciler.ts';
import { isEnding } from './observe/attempt-end.ts';
import { AssumeCache } from './client/assume-cache.ts';
import type { KubeClient } from './client/client.ts';
import { EventRecorder } from './client/events.ts';
import { isOtherThanSaid, isOtherWish } from './predicates.ts';
import { Resync } from './resync.ts';
import { LastWords } from './apply/last-words.ts';
import { KubePipelines } from './kube-pipelines.ts';
import { KubeStages } from './kube-stages.ts';
import { ownerOf, idOf, isTrainer, namedPipelineOf, stageIdOf } from './objects/ownership.ts';
import type { Logger } from './logger.ts';
import type { OperatorMetrics } from './metrics.ts';
import { attemptLabels } from './objects/labels.ts';
import { claimName } from '../core/names.ts';
import { PendingPods } from './observe/pending-pods.ts';
import { ProgressPoller } from './observe/progress.ts';
import { Informer, type InformerOptions } from './client/informer.ts';
import {
  jobs,
  keyIn,
  keyOf,
  pods,
  volumeClaims,
  type Job,
  type KubeObject,
  type Pod,
  type ResourceKind,
  type Stored,
} from './client/resources.ts';
import { pipelines, stages } from './objects/r1-kinds.ts';
import { Tombstones } from './observe/tombstones.ts';
import { isUnchanged, transformClaim, transformJob, transformOwn, transformPod } from './objects/transform.ts';
import { VolumeClaims } from './apply/volume-claims.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly image: string;
  readonly hubEndpoint: string | undefined;
  readonly defaults: StageDefaults;
  readonly metrics: OperatorMetrics;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** More passes at a time would only wait for the API server together. */
const concurrency = { pipelines: 32, stages: 64 };
/** What nothing follows from is told a little later, together with what comes in between. */
const settleMs = { attempt: 1000, stage: 2000 };

/**
 * Watches pipelines, stages, their Jobs and pods, and has a pass made for whatever changed: a change of a Job or pod is
 * one of its stage, a change of a stage also one of its pipeline.
 */
export class Controller {
  private readonly options: ControllerOptions;
  private readonly clock: Clock;
  private readonly informers;
  private readonly stageCache: AssumeCache<R1Stage>;
  private readonly queues: { readonly R1Pipeline: WorkQueue; readonly R1Stage: WorkQueue };
  private readonly events: EventRecorder;
  private readonly progress: ProgressPoller;
  private readonly lastWords: LastWords;
  private readonly tombstones = new Tombstones();
  private readonly resyncs: readonly Resync[];
  /** Keys of R1Stages by their `idOf`, which Jobs and pods carry as label and namespace. */
  private readonly stageKeys = new Map<string, string>();

  constructor(options: ControllerOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    const { client, logger, metrics } = options;
    const ofStages = { labelSelector: attemptLabels.stageUid };
    this.informers = {
      pipelines: this.reflect(pipelines, { transform: transformOwn }),
      stages: this.reflect(stages, { transform: transformOwn, indexBy: ownerIndex }),
      jobs: this.reflect(jobs, { ...ofStages, transform: transformJob, indexBy: stageIndex }),
      pods: this.reflect(pods, { ...ofStages, transform: transformPod, indexBy: stageIndex }),
      claims: this.reflect(volumeClaims, { labelSelector: labels.pipeline, transform: transformClaim }),
    };
    const pipelineCache = new AssumeCache(this.informers.pipelines, () => []);
    this.stageCache = new AssumeCache(this.informers.stages, ownerIndex);
    const jobCache = new AssumeCache(this.informers.jobs, stageIndex);
    const madeClaims = new AssumeCache(this.informers.claims, () => []);
    const claims = new VolumeClaims(client);
    this.events = new EventRecorder({
      client,
      onError: (error) => logger.warn('event was lost', { error }),
      onDrop: () => metrics.eventDropped(),
    });
    this.progress = new ProgressPoller({ client, onProgress: (pod) => this.enqueueStageOf(pod) });
    this.lastWords = new LastWords({ client, logger, stageOf: (pod) => this.stageOf(pod) });

    const enqueuePipeline = (key: string, afterMs: number) => this.queues.R1Pipeline.addAfter(key, afterMs);
    const enqueueStage = (key: string, afterMs: number) => this.queues.R1Stage.addAfter(key, afterMs);
    const onPruned = (kind: string, fields: readonly string[]): void => {
      logger.error('the CustomResourceDefinition is older than the operator, which drops fields', { kind, fields });
      metrics.definitionIsOutdated(kind);
    };
    const shared = {
      client,
      pipelines: pipelineCache,
      stages: this.stageCache,
      claims,
      events: this.events,
      logger,
      onPruned,
      clock: this.clock,
    };
    const pipelineShell = new KubePipelines({ ...shared, madeClaims, requeueAfter: enqueuePipeline });
    const stageShell = new KubeStages({
      ...options,
      ...shared,
      jobs: jobCache,
      pods: this.informers.pods,
      tombstones: this.tombstones,
      progress: this.progress,
      pending: new PendingPods({
        client,
        claimOf: (key) => this.claimOf(key),
        onMessage: (key) => this.queues.R1Stage.add(key),
      }),
      requeueAfter: enqueueStage,
    });
    this.queues = {
      R1Pipeline: this.queue('R1Pipeline', concurrency.pipelines, (key) => reconcilePipeline(key, pipelineShell)),
      R1Stage: this.queue('R1Stage', concurrency.stages, (key) => reconcileStage(key, stageShell)),
    };

    const resync = (objects: AssumeCache<R1Pipeline> | AssumeCache<R1Stage>, queue: WorkQueue) =>
      new Resync({
        keys: () => [...objects.all()].map(keyOf),
        enqueueAfter: (key, ms) => queue.addAfter(key, ms),
        clock: this.clock,
      });
    this.resyncs = [resync(pipelineCache, this.queues.R1Pipeline), resync(this.stageCache, this.queues.R1Stage)];

    pipelineCache.onChange((before, after, origin) => {
      if (after === undefined && before !== undefined) pipelineShell.forget(keyOf(before));
      // The pass that wrote a status has seen what it is about.
      if (origin === 'watch' || isOtherWish(before, after)) {
        this.queues.R1Pipeline.add(keyOf(after ?? before ?? unreachable()));
      }
    });
    madeClaims.onChange((before, after) => {
      if (before !== undefined && !isUnchanged(before, after)) claims.forget(before.metadata);
      if (after === undefined) return; // who misses it says so
      const key = keyIn(after.metadata.namespace, after.metadata.labels?.[labels.pipeline] ?? '');
      const pipeline = pipelineCache.get(key);
      if (pipeline !== undefined && isOtherThanSaid(after, pipeline)) this.queues.R1Pipeline.add(key);
    });
    this.stageCache.onChange((before, after) => {
      if (after === undefined && before !== undefined) stageShell.forget(keyOf(before));
    });
    this.stageCache.onChange((before, after, origin) => this.stageChanged(before, after, origin === 'assumed'));
    jobCache.onChange((before, after, origin) => {
      if (after === undefined && before !== undefined) this.tombstones.addJob(before, Date.now());
      if (!isUnchanged(before, after))
        this.enqueueStageOf(after ?? before ?? unreachable(), origin === 'assumed' ? settleMs.attempt : 0);
    });
    this.informers.pods.onChange((before, after) => this.podChanged(before, after));
    metrics.watchQueues(this.queues);
    metrics.watchStates('pipelines', () => states(pipelineCache.all()));
    metrics.watchStates('stages', () => states(this.stageCache.all()));
  }

  /** Everything has been seen once. */
  get synced(): boolean {
    return Object.values(this.informers).every(({ synced }) => synced);
  }

  /** Fills the caches; settles when they are complete. Nothing is written before `start`. */
  async watch(): Promise<void> {
    await Promise.all(Object.values(this.informers).map((informer) => informer.start()));
  }

  /** Begins to act, as the one that leads. */
  start(): void {
    this.progress.start();
    this.lastWords.start(this.informers.pods.store.values());
    this.queues.R1Pipeline.start();
    this.queues.R1Stage.start();
    for (const resync of this.resyncs) resync.start();
  }

  /** Lets passes under way end, then stops watching. */
  async stop(): Promise<void> {
    this.progress.stop();
    this.lastWords.stop();
    for (const resync of this.resyncs) resync.stop();
    await Promise.all(Object.values(this.queues).map((queue) => queue.stop()));
    await this.events.flush();
    await Promise.all(Object.values(this.informers).map((informer) => informer.stop()));
  }

  private reflect<T extends KubeObject>(kind: ResourceKind<T>, more: Partial<InformerOptions<T>>): Informer<T> {
    const { client, namespaces, metrics, logger } = this.options;
    return new Informer({
      client,
      kind,
      namespaces,
      onRestart: (name, why, error) => {
        metrics.watchRestarted(name, why);
        if (why === 'failed') logger.warn('watch failed', { kind: name, error });
      },
      ...more,
    });
  }

  private queue(kind: 'R1Pipeline' | 'R1Stage', most: number, pass: (key: string) => Promise<Pass>): WorkQueue {
    const { metrics, logger } = this.options;
    return new WorkQueue({
      clock: this.clock,
      concurrency: most,
      process: async (key) => {
        const startedAt = performance.now();
        let result: 'done' | 'failed' = 'failed';
        try {
          const { recheckAfterMs } = await pass(key);
          result = 'done';
          logger.debug('pass', { kind, key, ms: Math.round(performance.now() - startedAt), recheckAfterMs });
          return recheckAfterMs;
        } finally {
          metrics.reconciled(kind, result, performance.now() - startedAt);
        }
      },
      onStart: (_key, waitedMs) => metrics.waited(kind, waitedMs),
      onError: (key, error, retryMs) => logger.warn('pass failed', { kind, key, error, retryMs: Math.round(retryMs) }),
    });
  }

  private stageChanged(before: Stored<R1Stage> | undefined, after: Stored<R1Stage> | undefined, own: boolean): void {
    const stage = after ?? before ?? unreachable();
    const key = keyOf(stage);
    const id = idOf(stage);
    if (after === undefined) {
      this.stageKeys.delete(id);
      this.tombstones.forget(id);
    } else this.stageKeys.set(id, key);

    // The pass that wrote a status has seen what it is about.
    const isNew = isOtherWish(before, after);
    if (!own || isNew) this.queues.R1Stage.add(key);
    const owner = ownerOf(stage.metadata);
    if (owner === undefined) return;
    const pipeline = keyIn(stage.metadata.namespace, owner.name);
    const wasCreatedHere = before === undefined && own;
    const decides = (isNew && !wasCreatedHere) || endWords(before) !== endWords(after);
    this.queues.R1Pipeline.addAfter(pipeline, decides ? 0 : settleMs.stage);
  }

  private podChanged(before: Stored<Pod> | undefined, after: Stored<Pod> | undefined): void {
    const pod = after ?? before ?? unreachable();
    if (after === undefined) this.lastWords.forget(pod.metadata.uid);
    else this.lastWords.see(after);
    if (!isTrainer(pod)) return; // rollout workers come and go
    if (after === undefined) {
      this.tombstones.addPod(pod, Date.now());
      this.progress.forget(pod.metadata.uid);
    } else this.progress.see(after);
    if (!isUnchanged(before, after))
      this.enqueueStageOf(pod, after === undefined || isEnding(after) ? 0 : settleMs.attempt);
  }

  /** The stage of a pod, unless both are being deleted. */
  private stageOf(pod: Stored<Pod>): Stored<R1Stage> | undefined {
    const key = this.stageKeys.get(stageIdOf(pod));
    const stage = key === undefined ? undefined : this.stageCache.get(key);
    return stage?.metadata.deletionTimestamp === undefined ? stage : undefined;
  }

  private enqueueStageOf(object: Stored<Job> | Stored<Pod>, afterMs = 0): void {
    const key = this.stageKeys.get(stageIdOf(object));
    if (key === undefined) return;
    // A Job is Complete a second after its stage is, and its pod is tidied up: that is no news.
    const succeeded = findCondition(this.stageCache.get(key)?.status?.conditions, 'Succeeded');
    if (succeeded?.status !== 'True' || !isTrainer(object)) this.queues.R1Stage.addAfter(key, afterMs);
  }

  private claimOf(stageKey: string): { readonly namespace: string; readonly name: string } | undefined {
    const stage = this.stageCache.get(stageKey);
    if (stage === undefined) return undefined;
    const { pipeline, storage } = stage.spec;
    return { namespace: stage.metadata.namespace, name: storage.claimName ?? claimName(pipeline) };
  }
}

/** Stages by the `idOf` of their pipeline, and by the pipeline that they name. */
function ownerIndex(stage: Stored<R1Stage>): string[] {
  const { metadata } = stage;
  return [`${metadata.namespace}/${ownerOf(metadata)?.uid ?? ''}`, namedPipelineOf(stage)];
}

/** Jobs and pods by the `idOf` of their R1Stage. */
function stageIndex(object: Stored<Job> | Stored<Pod>): string[] {
  return [stageIdOf(object)];
}

/** Whether a stage has ended, and how, or is being deleted: its pipeline decides by that. */
function endWords(stage: R1Stage | undefined): string {
  const { status } = findCondition(stage?.status?.conditions, 'Succeeded') ?? {};
  return `${status} ${stage?.metadata.deletionTimestamp}`;
}

function states(objects: Iterable<R1Pipeline | R1Stage>): string[] {
  return [...objects].map(({ status }) => stateOf(status?.conditions));
}

function unreachable(): never {
  throw new Error('a change without an object');
}
