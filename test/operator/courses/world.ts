import type { PipelineStatus, R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { surveyPipeline, type PipelineSituation } from '../../../operator/core/pipeline/pipeline-situation.ts';
import { fateOfVolume } from '../../../operator/core/pipeline/retention.ts';
import { stagesAfter } from '../../../operator/core/pipeline/plan.ts';
import { isStageOf } from '../../../operator/core/stage-runs.ts';
import { claimName } from '../../../operator/core/names.ts';
import { volumeClaims, type Stored, type VolumeClaim } from '../../../operator/kube/client/resources.ts';
import { ownerOf } from '../../../operator/kube/objects/ownership.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { ObjectStore, type Change } from '../../support/object-store.ts';
import { asAsked, pick, type Wish } from '../../support/wishes.ts';
import { Cluster, type Beginning } from './cluster.ts';
import type { Course, Happening } from './course.ts';
import type { Dice } from './dice.ts';
import { families } from './manifests.ts';

/** What is no older may not have been heard of. */
export const heardOfMs = 30_000;

/** The objects of one pipeline, and those who act on them besides the operator: the cluster and a person. */
export class World {
  readonly store = new ObjectStore();
  /** All changes, oldest first. */
  readonly history: Change[] = [];
  readonly cluster: Cluster;
  /** Stages that the person has asked for anew. */
  readonly askedAnew = new Set<string>();
  private readonly manifests: readonly R1Pipeline[];
  private readonly name: string;
  /** When the person, or what they asked for, last changed a stage. */
  private readonly touchedAt = new Map<string, number>();
  /** Claims that were to stay when their pipeline was deleted. */
  readonly keptClaims = new Set<string>();
  /** Claims that nothing collects. */
  readonly freeClaims = new Set<string>();
  /** When anybody last changed what should, or would, become of the claim. */
  private fateChangedAt = 0;
  /** When the person last deleted the pipeline. */
  deletedAt = Infinity;
  private deleted: Stored<R1Pipeline> | undefined;
  private uids = 0;
  private copies = 0;

  constructor({ family, variant }: Course, dice: Dice, onBegin: (beginning: Beginning) => void) {
    this.manifests = families[family] ?? [];
    const manifest = this.manifests[variant % this.manifests.length]!;
    this.name = manifest.metadata.name;
    this.store.newUid = () => `${(++this.uids).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
    this.store.onChange((change) => {
      this.history.push(change);
      if (change.plural === volumeClaims.plural) this.fateChangedAt = Date.now();
      if (change.type !== 'DELETED') return;
      if (change.plural === stages.plural) this.touch(change.object as Stored<R1Stage>);
      if (change.plural === volumeClaims.plural) this.cluster.volume.checkpoints.clear();
    });
    this.cluster = new Cluster(this.store, dice, onBegin);
    this.apply(manifest);
  }

  private apply(manifest: R1Pipeline): void {
    this.store.put(pipelines, { ...manifest, metadata: { ...manifest.metadata, namespace: 'team' } });
  }

  /** In its last state, if it was deleted. */
  get pipeline(): Stored<R1Pipeline> {
    return this.store.get(pipelines, this.name) ?? this.deleted!;
  }

  deletePipeline(): void {
    this.deleted = this.pipeline;
    this.deletedAt = Date.now();
    const claim = this.store.get(volumeClaims, claimName(this.name));
    if (claim !== undefined) this.noteFate(claim, this.deleted);
    this.store.remove(pipelines, this.name);
  }

  /** What was changed in the last moment an operator may not have heard of, or one that leads no more has done. */
  private noteFate(claim: Stored<VolumeClaim>, pipeline: Stored<R1Pipeline>): void {
    const { uid } = claim.metadata;
    const isOwned = claim.metadata.ownerReferences !== undefined && claim.metadata.ownerReferences.length > 0;
    const isRecent = Date.now() - this.fateChangedAt < heardOfMs;
    const isSaid = !fateOfVolume(pipeline).goes && pipeline.status?.volumeRetained === true;
    if (isSaid && !(isOwned && isRecent)) this.keptClaims.add(uid);
    if (!isOwned && (isRecent || pipeline.spec.storage.retention !== 'Delete')) this.freeClaims.add(uid);
  }

  /** Stages of the pipeline; what somebody copied is none. */
  get ownStages(): Stored<R1Stage>[] {
    const { metadata } = this.pipeline;
    const isOwn = (each: Stored<R1Stage>): boolean =>
      ownerOf(each.metadata)?.uid === metadata.uid && isStageOf(metadata.name, each);
    return this.store.all(stages).filter(isOwn);
  }

  survey(now = Date.now()): PipelineSituation {
    const { pipeline, ownStages } = this;
    const maxRunningStages = pipeline.spec.storage.accessMode === 'ReadWriteMany' ? 32 : 1;
    return surveyPipeline({ now, pipeline, stages: ownStages, maxRunningStages });
  }

  /** Somebody did something to a stage after the end of its pipeline was written. */
  isTouchedSince(stage: string, { conditions }: PipelineStatus): boolean {
    const { lastTransitionTime = '' } = findCondition(conditions, 'Succeeded') ?? {};
    return (this.touchedAt.get(stage) ?? 0) >= Date.parse(lastTransitionTime);
  }

  private touch({ spec }: R1Stage): void {
    this.touchedAt.set(spec.stage, Date.now());
  }

  happen(each: Happening): void {
    const { pipeline, ownStages, cluster } = this;
    switch (each.kind) {
      case 'time':
        return;
      case 'podRuns': {
        const pod = pick(cluster.waiting, each.which);
        if (pod !== undefined) cluster.run(pod);
        return;
      }
      case 'podEnds': {
        const pod = pick(cluster.running, each.which);
        if (pod !== undefined) cluster.end(pod, each.how);
        return;
      }
      case 'nodeIsLost': {
        const pod = pick(cluster.running, each.which);
        if (pod !== undefined) cluster.loseNode(pod);
        return;
      }
      case 'nodeReturns': {
        const pod = pick(cluster.silent, each.which);
        if (pod !== undefined) cluster.findNode(pod, each.how);
        return;
      }
      case 'queueAdmits': {
        const job = pick(cluster.queued, each.which);
        if (job !== undefined) cluster.suspend(job, false);
        return;
      }
      case 'queueTakesBack': {
        const job = pick(cluster.admitted, each.which);
        if (job !== undefined) cluster.suspend(job, true);
        return;
      }
      case 'replacePipeline':
        this.deletePipeline();
        return this.apply(pick(this.manifests, each.variant)!);
      case 'rerun': {
        const { name } = pick(pipeline.spec.stages, each.which)!;
        for (const affected of stagesAfter(pipeline, [name])) this.askedAnew.add(affected);
        return this.ask(each);
      }
      case 'suspend':
      case 'edit':
      case 'approve':
        return this.ask(each);
      case 'deleteStage': {
        const stage = pick(ownStages, each.which);
        if (stage !== undefined) this.store.remove(stages, stage.metadata.name);
        return;
      }
      case 'editStage': {
        const stage = pick(ownStages, each.which);
        if (stage === undefined) return;
        this.touch(stage);
        this.store.put(stages, { ...stage, spec: { ...stage.spec, seed: each.seed } });
        return;
      }
      case 'copyStage': {
        const stage = pick(ownStages, each.which);
        if (stage !== undefined) this.copy(stage);
        return;
      }
      case 'deleteCopies':
        for (const { metadata } of this.store.all(stages)) {
          if (metadata.name.startsWith(copyPrefix)) this.store.remove(stages, metadata.name);
        }
    }
  }

  /** As `kubectl get -o yaml | sed | kubectl create` does: a new object with labels, owner and annotations of the old one. */
  private copy({ apiVersion, kind, metadata, spec }: Stored<R1Stage>): void {
    const { labels, annotations: given, ownerReferences } = metadata as R1Stage['metadata'];
    const copied = { labels, annotations: given, ownerReferences, name: `${copyPrefix}${++this.copies}` };
    this.store.put(stages, { apiVersion, kind, metadata: copied, spec });
  }

  private ask(wish: Wish): void {
    this.fateChangedAt = Date.now();
    this.store.put(pipelines, asAsked(this.pipeline, wish, this.manifests));
  }
}

const copyPrefix = 'copy-';
