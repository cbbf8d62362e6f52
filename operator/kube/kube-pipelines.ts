import type { PipelineStatus, R1Pipeline } from '../api/resources/pipeline.ts';
import { succeededStatus, waitingReasons } from '../api/resources/conditions.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import type { Clock } from '../clock.ts';
import type { PipelineAction } from '../core/pipeline/decide-pipeline.ts';
import { isGoing } from '../core/deletion.ts';
import { claimName, secondStageObjectName } from '../core/names.ts';
import { stripped } from '../core/settings-digest.ts';
import type { PipelineObserved } from '../core/observed.ts';
import type { PipelineShell } from '../reconciler.ts';
import { ignoreNotFound } from './client/api-error.ts';
import type { AssumeCache } from './client/assume-cache.ts';
import type { KubeClient } from './client/client.ts';
import { pipelineProblem } from './observe/cluster-problem.ts';
import { createOwned, refuse, RefusedError } from './client/create-owned.ts';
import { withKnownSpec } from './client/known-spec.ts';
import { prunedFields } from './client/pruned-fields.ts';
import { droppedInWords } from './apply/dropped-fields.ts';
import type { EventRecorder } from './client/events.ts';
import { pipelineEvents } from './apply/status-events.ts';
import type { Logger } from './logger.ts';
import { ownedBy } from './objects/labels.ts';
import { Refusals } from './apply/refusals.ts';
import { pipelines, stages } from './objects/r1-kinds.ts';
import { keyIn, keyOf, type Stored, type VolumeClaim } from './client/resources.ts';
import { StatusWriter, type StatusWriterOptions } from './apply/status-writer.ts';
import { transformClaim, transformOwn } from './objects/transform.ts';
import { goesWith, isMadeFor } from './objects/volume-claim.ts';
import type { VolumeClaims } from './apply/volume-claims.ts';
import { idOf } from './objects/ownership.ts';
import { isStillThere } from './predicates.ts';

/** Pods of a volume that only one node can mount run one after the other; else the number is there to stop a mistake. */
const mostRunningStages = { shared: 32, exclusive: 1 };

/** A definition that is too old is tried again this often, and then less. */
const retryDroppedMs = 30_000;

export interface KubePipelinesOptions {
  readonly client: KubeClient;
  readonly pipelines: AssumeCache<R1Pipeline>;
  /** By the uid of the pipeline that owns them. */
  readonly stages: AssumeCache<R1Stage>;
  readonly claims: VolumeClaims;
  /** Those that were made for pipelines. */
  readonly madeClaims: AssumeCache<VolumeClaim>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  /** A pass for a pipeline should follow. */
  readonly requeueAfter: (key: string, afterMs: number) => void;
  readonly onPruned: StatusWriterOptions<R1Pipeline, PipelineStatus>['onPruned'];
  readonly clock: Clock;
}

/** Which stage runs is worth a look; how far it is can wait, as the stage has told already. */
const settleMs = { stages: 1000, progress: 5000 };

export interface KubePipelineObserved extends PipelineObserved {
  readonly pipeline: Stored<R1Pipeline>;
  readonly stages: readonly Stored<R1Stage>[];
}

/** Pipelines on a cluster. Keys are `namespace/name`. */
export class KubePipelines implements PipelineShell<KubePipelineObserved> {
  private readonly options: KubePipelinesOptions;
  private readonly refusals = new Refusals();
  private readonly retainRefusals = new Refusals();
  private readonly statuses: StatusWriter<R1Pipeline, PipelineStatus>;

  constructor(options: KubePipelinesOptions) {
    this.options = options;
    this.statuses = new StatusWriter({
      ...options,
      kind: pipelines,
      objects: options.pipelines,
      settleMs: settleMsOf,
      eventsOf: pipelineEvents,
    });
  }

  /** There is no such pipeline any more. */
  forget(key: string): void {
    this.statuses.forget(key);
    this.refusals.forget(key);
    this.retainRefusals.forget(key);
  }

  async observePipeline(key: string): Promise<KubePipelineObserved | undefined> {
    const pipeline = this.options.pipelines.get(key);
    if (pipeline === undefined || isGoing(pipeline.metadata)) return undefined;
    const problem = pipelineProblem(pipeline);
    return {
      now: Date.now(),
      pipeline,
      stages: this.options.stages.byIndex(idOf(pipeline)),
      ...(await this.placesFor(key, pipeline)),
      ...this.volumeOf(key, pipeline),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** How many of its stages may run, and what stands in the way of more. */
  private async placesFor(
    key: string,
    pipeline: Stored<R1Pipeline>,
  ): Promise<Pick<PipelineObserved, 'maxRunningStages' | 'reviewsTakePlace' | 'refusal'>> {
    const exclusive = { maxRunningStages: mostRunningStages.exclusive, reviewsTakePlace: true } as const;
    const refused = this.refusals.get(key, pipeline);
    const isOver = succeededStatus(pipeline.status?.conditions);
    const isDeleted = pipeline.metadata.deletionTimestamp !== undefined;
    // Where nothing will start the claim need not be asked for.
    if (isOver !== 'Unknown' || isDeleted || refused.refusal !== undefined) return { ...exclusive, ...refused };
    try {
      const isShared = await this.options.claims.isShared(pipeline);
      return isShared ? { maxRunningStages: mostRunningStages.shared } : exclusive;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const { message, retryAfterMs } = error;
      return { ...exclusive, refusal: { message, until: Date.now() + retryAfterMs } };
    }
  }

  private volumeOf(key: string, pipeline: Stored<R1Pipeline>): Pick<PipelineObserved, 'volume'> {
    const { namespace, name } = pipeline.metadata;
    const claim = this.options.madeClaims.get(keyIn(namespace, claimName(name)));
    if (claim === undefined || !isMadeFor(claim, pipeline.metadata)) return {};
    if (claim.metadata.deletionTimestamp !== undefined) return {};
    return { volume: { stays: !goesWith(claim, pipeline.metadata), ...this.retainRefusals.get(key, pipeline) } };
  }

  async applyToPipeline(observed: KubePipelineObserved, action: PipelineAction): Promise<void> {
    const { pipeline } = observed;
    const key = keyOf(pipeline);
    if (!isStillThere(pipeline, this.options.pipelines.get(key))) return;
    try {
      await this.apply(observed, action);
      this.options.logger.info('acted', { pipeline: key, action: action.kind, ...subjectOf(action) });
      if (action.kind === 'CreateStage') this.refusals.forget(key);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.refusals.add(key, pipeline, error);
      this.options.requeueAfter(key, 0);
    }
  }

  private async apply(observed: KubePipelineObserved, action: PipelineAction): Promise<void> {
    const { client, stages: cache } = this.options;
    const { pipeline } = observed;
    const { namespace } = pipeline.metadata;
    switch (action.kind) {
      case 'CreateStage': {
        const { metadata } = action.stage;
        const stage = { ...action.stage, metadata: { ...metadata, namespace, ownerReferences: ownedBy(pipeline) } };
        const name = secondStageObjectName(pipeline.metadata.name, action.stage.spec.stage);
        const created = await createOwned(client, stages, stage, pipelines).catch((error: unknown) => {
          if (!(error instanceof RefusedError && error.taken)) throw error;
          return createOwned(client, stages, { ...stage, metadata: { ...stage.metadata, name } }, pipelines);
        });
        return this.accept(stage, created);
      }
      case 'UpdateStage': {
        const { metadata, spec } = action.stage;
        const stored = this.newestOf(observed, metadata.name);
        if (stored === undefined) return;
        if (stored.spec.storage.size !== spec.storage.size) await this.options.claims.grow(pipeline);
        const annotations = { ...stored.metadata.annotations, ...metadata.annotations };
        const updated = { ...stored, metadata: { ...stored.metadata, annotations }, spec };
        return this.accept(updated, await client.replace(stages, updated).catch(refuse));
      }
      case 'SuspendStage': {
        const known = this.newestOf(observed, action.name);
        if (known === undefined) return;
        const patch = { spec: { suspend: action.suspend } };
        const stage = await client.mergePatch(stages, known.metadata, patch).catch(ignoreNotFound);
        if (stage !== undefined) cache.assume(transformOwn(stage));
        return;
      }
      case 'DeleteStages': {
        for (const name of action.names) {
          const known = this.newestOf(observed, name);
          if (known !== undefined)
            await client.delete(stages, known.metadata, known.metadata.uid).catch(ignoreNotFound);
        }
        return;
      }
      case 'ClearRerun': {
        // Not over what somebody has approved or asked for in between.
        const { resourceVersion } = pipeline.metadata;
        const patch = { metadata: { annotations: action.annotations, resourceVersion } };
        this.options.pipelines.assume(transformOwn(await client.mergePatch(pipelines, pipeline.metadata, patch)));
        return;
      }
      case 'RetainVolume':
        return this.retainVolume(pipeline, action.retain);
      case 'DeletePipeline':
        this.options.events.record(pipelines, pipeline, {
          type: 'Normal',
          reason: 'Expired',
          message: `is deleted: ${action.why}`,
        });
        await client.delete(pipelines, pipeline.metadata, pipeline.metadata.uid).catch(ignoreNotFound);
    }
  }

  /** Throws where the claim cannot follow: nobody is to read that it did. */
  private async retainVolume(pipeline: Stored<R1Pipeline>, retain: boolean): Promise<void> {
    const { claims, madeClaims, events } = this.options;
    const key = keyOf(pipeline);
    try {
      const claim = await claims.retain(pipeline, retain);
      if (claim !== undefined) madeClaims.assume(transformClaim(claim));
      this.retainRefusals.forget(key);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.retainRefusals.add(key, pipeline, error);
      const { message } = error;
      events.record(pipelines, pipeline, { type: 'Warning', reason: 'VolumeNotRetained', message });
      throw new Error(message, { cause: error });
    }
  }

  /** A stage as it is by now, own writes of this pass included; undefined where another one has its name. */
  private newestOf({ stages: seen }: KubePipelineObserved, name: string): Stored<R1Stage> | undefined {
    const stage = seen.find(({ metadata }) => metadata.name === name);
    if (stage === undefined) return undefined;
    const now = this.options.stages.get(keyOf(stage));
    return isStillThere(stage, now) ? now : undefined;
  }

  /** One that lacks a setting that was sent starts nothing: it asks for something else than it says that it was asked for. */
  private accept(sent: R1Stage, stored: Stored<R1Stage>): void {
    this.options.stages.assume(withKnownSpec(sent, transformOwn(stored)));
    const dropped = prunedFields(stripped(sent.spec), stored.spec, 'spec');
    if (dropped.length === 0) return;
    this.options.onPruned(stages.kind, dropped);
    const message = `stage ${sent.spec.stage}: ${droppedInWords(stages.kind, dropped)}`;
    throw new RefusedError(message, retryDroppedMs);
  }

  async savePipelineStatus({ pipeline }: KubePipelineObserved, status: PipelineStatus): Promise<void> {
    await this.statuses.save(pipeline, status);
  }
}

/** Programs wait for conditions and people for gates. */
function settleMsOf(before: PipelineStatus | undefined, after: PipelineStatus): number {
  if (decisions(before) !== decisions(after)) return 0;
  return stageStates(before) === stageStates(after) ? settleMs.progress : settleMs.stages;
}

/** Where the pipeline only tells what its stages are at. */
const followed: readonly string[] = [
  'StageRunning',
  'Pending',
  'AttemptPending',
  'AttemptStopping',
  'BackingOff',
  ...waitingReasons,
];

/** What a pipeline without a status is taken to say. */
const unsaid = [{ type: 'Succeeded', status: 'Unknown', reason: 'Pending' }];

function decisions(status: PipelineStatus | undefined): string {
  const { conditions = unsaid, gates = [] } = status ?? {};
  const states = conditions
    .filter(({ type }) => type !== 'Waiting')
    .map(({ type, status: holds, reason }) => `${type} ${holds} ${followed.includes(reason) ? '' : reason}`);
  return [...states, ...gates.map(({ digest, action }) => `${digest} ${action}`)].join();
}

function stageStates(status: PipelineStatus | undefined): string {
  const { stages: lines = [], display } = status ?? {};
  return [display?.state, display?.stage, ...lines.map(({ state }) => state)].join();
}

function subjectOf(action: PipelineAction): object {
  switch (action.kind) {
    case 'CreateStage':
    case 'UpdateStage':
      return { stage: action.stage.metadata.name };
    case 'SuspendStage':
      return { stage: action.name, suspend: action.suspend };
    case 'DeleteStages':
      return { stages: action.names };
    case 'RetainVolume':
      return { retain: action.retain };
    default:
      return {};
  }
}
