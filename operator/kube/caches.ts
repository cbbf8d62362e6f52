import { labels } from '../api/resources/metadata.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import { AssumeCache } from './client/assume-cache.ts';
import type { KubeClient } from './client/client.ts';
import { Informer, type InformerOptions } from './client/informer.ts';
import {
  jobs,
  pods,
  volumeClaims,
  type Job,
  type KubeObject,
  type Pod,
  type ResourceKind,
  type Stored,
  type VolumeClaim,
} from './client/resources.ts';
import type { Logger } from './logger.ts';
import type { OperatorMetrics } from './metrics.ts';
import { attemptLabels } from './objects/labels.ts';
import { namedPipelineOf, ownerOf, stageIdOf } from './objects/ownership.ts';
import { pipelines, stages } from './objects/r1-kinds.ts';
import { transformClaim, transformJob, transformOwn, transformPod } from './objects/transform.ts';

export interface CachesOptions {
  readonly client: KubeClient;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly metrics: OperatorMetrics;
  readonly logger: Logger;
}

/** All that is watched, in memory. */
export class Caches {
  readonly pipelines: AssumeCache<R1Pipeline>;
  readonly stages: AssumeCache<R1Stage>;
  readonly jobs: AssumeCache<Job>;
  readonly pods: Informer<Pod>;
  /** Those that were made for pipelines, and for stages that were applied without one. */
  readonly claims: AssumeCache<VolumeClaim>;
  private readonly options: CachesOptions;
  private readonly informers: readonly Pick<Informer<KubeObject>, 'synced' | 'start' | 'stop'>[];

  constructor(options: CachesOptions) {
    this.options = options;
    const ofStages = { labelSelector: attemptLabels.stageUid, indexBy: stageIndex };
    const watched = {
      pipelines: this.reflect(pipelines, { transform: transformOwn }),
      stages: this.reflect(stages, { transform: transformOwn, indexBy: ownerIndex }),
      jobs: this.reflect(jobs, { ...ofStages, transform: transformJob }),
      pods: this.reflect(pods, { ...ofStages, transform: transformPod }),
      claims: this.reflect(volumeClaims, { labelSelector: labels.pipeline, transform: transformClaim }),
    };
    this.informers = Object.values(watched);
    this.pipelines = new AssumeCache(watched.pipelines, () => []);
    this.stages = new AssumeCache(watched.stages, ownerIndex);
    this.jobs = new AssumeCache(watched.jobs, stageIndex);
    this.pods = watched.pods;
    this.claims = new AssumeCache(watched.claims, () => []);
  }

  /** Everything has been seen once. */
  get synced(): boolean {
    return this.informers.every(({ synced }) => synced);
  }

  /** Settles when all are complete. */
  async start(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.stop()));
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
