import { stateOf } from '../api/display.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import type { StageDefaults } from '../api/resources/stage-defaults.ts';
import { systemClock, type Clock } from '../clock.ts';
import { claimName } from '../core/names.ts';
import { WorkQueue } from '../queue.ts';
import { reconcilePipeline, reconcileStage, type Pass } from '../reconciler.ts';
import { LastWords } from './apply/last-words.ts';
import { VolumeClaims } from './apply/volume-claims.ts';
import { Caches, type CachesOptions } from './caches.ts';
import type { AssumeCache } from './client/assume-cache.ts';
import { EventRecorder } from './client/events.ts';
import { keyOf, type ObjectName } from './client/resources.ts';
import { KubePipelines } from './kube-pipelines.ts';
import { KubeStages } from './kube-stages.ts';
import { PendingPods } from './observe/pending-pods.ts';
import { ProgressPoller } from './observe/progress.ts';
import { Tombstones } from './observe/tombstones.ts';
import { Resync } from './resync.ts';
import { Sweep } from './sweep.ts';
import { WakeUps } from './wake-ups.ts';

export interface ControllerOptions extends CachesOptions {
  readonly image: string;
  readonly hubEndpoint: string | undefined;
  readonly defaults: StageDefaults;
  readonly clock?: Clock;
}

/** More passes at a time would only wait for the API server together, each with a connection of its own. */
const concurrency = { pipelines: 16, stages: 32 };

/** Watches pipelines, stages, their Jobs, pods and claims, and makes passes for what changed. */
export class Controller {
  private readonly options: ControllerOptions;
  private readonly clock: Clock;
  private readonly caches: Caches;
  private readonly wakeUps: WakeUps;
  private readonly queues: { readonly R1Pipeline: WorkQueue; readonly R1Stage: WorkQueue };
  private readonly events: EventRecorder;
  private readonly progress: ProgressPoller;
  private readonly lastWords: LastWords;
  private readonly resyncs: readonly Resync[];
  private readonly sweep: Sweep;

  constructor(options: ControllerOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    const { client, logger, metrics } = options;
    this.caches = new Caches(options);
    this.events = new EventRecorder({
      client,
      onError: (error) => logger.warn('event was lost', { error }),
      onDrop: () => metrics.eventDropped(),
    });
    this.progress = new ProgressPoller({ client, onProgress: (pod) => this.wakeUps.enqueueStageOf(pod) });
    this.lastWords = new LastWords({ client, logger, stageOf: (pod) => this.wakeUps.stageOf(pod) });
    const claims = new VolumeClaims(client);
    const tombstones = new Tombstones();
    const enqueuePipeline = (key: string, afterMs: number) => this.queues.R1Pipeline.addAfter(key, afterMs);
    const enqueueStage = (key: string, afterMs: number) => this.queues.R1Stage.addAfter(key, afterMs);

    const { pipelineShell, stageShell } = this.shells({ claims, tombstones, enqueuePipeline, enqueueStage });
    this.queues = {
      R1Pipeline: this.queue('R1Pipeline', concurrency.pipelines, (key) => reconcilePipeline(key, pipelineShell)),
      R1Stage: this.queue('R1Stage', concurrency.stages, (key) => reconcileStage(key, stageShell)),
    };
    const { caches, progress, lastWords } = this;
    caches.pipelines.onChange((before, after) => {
      if (after === undefined && before !== undefined) pipelineShell.forget(keyOf(before));
    });
    caches.stages.onChange((before, after) => {
      if (after === undefined && before !== undefined) stageShell.forget(before);
    });
    this.wakeUps = new WakeUps({ caches, claims, tombstones, progress, lastWords, enqueuePipeline, enqueueStage });
    this.resyncs = [
      this.resync(caches.pipelines, this.queues.R1Pipeline),
      this.resync(caches.stages, this.queues.R1Stage),
    ];
    this.sweep = new Sweep({ client, caches, logger, clock: this.clock });
    metrics.watchQueues(this.queues);
    metrics.watchStates('pipelines', () => states(caches.pipelines.all()));
    metrics.watchStates('stages', () => states(caches.stages.all()));
  }

  /** Everything has been seen once. */
  get synced(): boolean {
    return this.caches.synced;
  }

  /** Fills the caches; settles when they are complete. Nothing is written before `start`. */
  async watch(): Promise<void> {
    await this.caches.start();
  }

  /** Begins to act, as the one that leads. */
  start(): void {
    this.progress.start();
    this.lastWords.start(this.caches.pods.store.values());
    this.queues.R1Pipeline.start();
    this.queues.R1Stage.start();
    for (const each of [...this.resyncs, this.sweep]) each.start();
  }

  /** Lets passes under way end, then stops watching. */
  async stop(): Promise<void> {
    this.progress.stop();
    this.lastWords.stop();
    for (const each of [...this.resyncs, this.sweep]) each.stop();
    await Promise.all(Object.values(this.queues).map((queue) => queue.stop()));
    await this.events.flush();
    await this.caches.stop();
  }

  private shells({ claims, tombstones, enqueuePipeline, enqueueStage }: ShellParts) {
    const { options, caches, events, clock } = this;
    const { client, logger, metrics } = options;
    const onPruned = (kind: string, fields: readonly string[]): void => {
      logger.error('the CustomResourceDefinition is older than the operator, which drops fields', { kind, fields });
      metrics.definitionIsOutdated(kind);
    };
    const { pipelines, stages, jobs, pods } = caches;
    const shared = { client, pipelines, stages, claims, events, logger, onPruned, clock };
    const pending = new PendingPods({
      client,
      claimOf: (key) => this.claimOf(key),
      onMessage: (key) => enqueueStage(key, 0),
    });
    const { progress } = this;
    return {
      pipelineShell: new KubePipelines({ ...shared, madeClaims: caches.claims, requeueAfter: enqueuePipeline }),
      stageShell: new KubeStages({
        ...options,
        ...shared,
        jobs,
        pods,
        tombstones,
        progress,
        pending,
        requeueAfter: enqueueStage,
      }),
    };
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

  private resync(objects: AssumeCache<R1Pipeline> | AssumeCache<R1Stage>, queue: WorkQueue): Resync {
    return new Resync({
      keys: () => [...objects.all()].map(keyOf),
      enqueueAfter: (key, ms) => queue.addAfter(key, ms),
      clock: this.clock,
    });
  }

  private claimOf(stageKey: string): Required<ObjectName> | undefined {
    const stage = this.caches.stages.get(stageKey);
    if (stage === undefined) return undefined;
    const { pipeline, storage } = stage.spec;
    return { namespace: stage.metadata.namespace, name: storage.claimName ?? claimName(pipeline) };
  }
}

interface ShellParts {
  readonly claims: VolumeClaims;
  readonly tombstones: Tombstones;
  readonly enqueuePipeline: (key: string, afterMs: number) => void;
  readonly enqueueStage: (key: string, afterMs: number) => void;
}

function states(objects: Iterable<R1Pipeline | R1Stage>): string[] {
  return [...objects].map(({ status }) => stateOf(status?.conditions));
}
