import { findCondition } from '../api/resources/conditions.ts';
import { labels } from '../api/resources/metadata.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import type { VolumeClaims } from './apply/volume-claims.ts';
import type { LastWords } from './apply/last-words.ts';
import type { Caches } from './caches.ts';
import { keyIn, keyOf, type Job, type Pod, type Stored, type VolumeClaim } from './client/resources.ts';
import { isEnding } from './observe/attempt-end.ts';
import type { ProgressPoller } from './observe/progress.ts';
import type { Tombstones } from './observe/tombstones.ts';
import { idOf, isTrainer, ownerOf, stageIdOf } from './objects/ownership.ts';
import { isUnchanged } from './objects/transform.ts';
import { isOtherThanSaid, isOtherWish } from './predicates.ts';

/** What nothing follows from is told a little later, together with what comes in between. */
const settleMs = { attempt: 1000, stage: 2000 };

export interface WakeUpsOptions {
  readonly caches: Caches;
  readonly claims: VolumeClaims;
  readonly tombstones: Tombstones;
  readonly progress: ProgressPoller;
  readonly lastWords: LastWords;
  /** A pass should follow. */
  readonly enqueuePipeline: (key: string, afterMs: number) => void;
  readonly enqueueStage: (key: string, afterMs: number) => void;
}

/**
 * Has a pass made for whatever changed: a change of a Job or pod is one of its stage, a change of a stage also one of its
 * pipeline. What is gone is remembered as long as somebody may ask for it.
 */
export class WakeUps {
  private readonly options: WakeUpsOptions;
  /** Keys of R1Stages by their `idOf`, which Jobs and pods carry as label and namespace. */
  private readonly stageKeys = new Map<string, string>();

  constructor(options: WakeUpsOptions) {
    this.options = options;
    const { caches, tombstones, enqueuePipeline } = options;
    caches.pipelines.onChange((before, after, origin) => {
      // The pass that wrote a status has seen what it is about.
      if (origin === 'watch' || isOtherWish(before, after)) enqueuePipeline(keyOf(either(before, after)), 0);
    });
    caches.stages.onChange((before, after, origin) => this.stageChanged(before, after, origin === 'assumed'));
    caches.jobs.onChange((before, after, origin) => {
      if (after === undefined && before !== undefined) tombstones.addJob(before, Date.now());
      if (!isUnchanged(before, after))
        this.enqueueStageOf(either(before, after), origin === 'assumed' ? settleMs.attempt : 0);
    });
    caches.pods.onChange((before, after) => this.podChanged(before, after));
    caches.claims.onChange((before, after) => this.claimChanged(before, after));
  }

  /** The stage of a pod, unless both are being deleted. */
  stageOf(pod: Stored<Pod>): Stored<R1Stage> | undefined {
    const key = this.stageKeys.get(stageIdOf(pod));
    const stage = key === undefined ? undefined : this.options.caches.stages.get(key);
    return stage?.metadata.deletionTimestamp === undefined ? stage : undefined;
  }

  enqueueStageOf(object: Stored<Job> | Stored<Pod>, afterMs = 0): void {
    const key = this.stageKeys.get(stageIdOf(object));
    if (key === undefined) return;
    // A Job is Complete a second after its stage is, and its pod is tidied up: that is no news.
    const succeeded = findCondition(this.options.caches.stages.get(key)?.status?.conditions, 'Succeeded');
    if (succeeded?.status !== 'True' || !isTrainer(object)) this.options.enqueueStage(key, afterMs);
  }

  private stageChanged(before: Stored<R1Stage> | undefined, after: Stored<R1Stage> | undefined, own: boolean): void {
    const { enqueuePipeline, enqueueStage, tombstones } = this.options;
    const stage = either(before, after);
    const key = keyOf(stage);
    const id = idOf(stage);
    if (after === undefined) {
      this.stageKeys.delete(id);
      tombstones.forget(id);
    } else this.stageKeys.set(id, key);

    // The pass that wrote a status has seen what it is about.
    const isNew = isOtherWish(before, after);
    if (!own || isNew) enqueueStage(key, 0);
    const owner = ownerOf(stage.metadata);
    if (owner === undefined) return;
    const pipeline = keyIn(stage.metadata.namespace, owner.name);
    const wasCreatedHere = before === undefined && own;
    const decides = (isNew && !wasCreatedHere) || endWords(before) !== endWords(after);
    enqueuePipeline(pipeline, decides ? 0 : settleMs.stage);
  }

  private podChanged(before: Stored<Pod> | undefined, after: Stored<Pod> | undefined): void {
    const { lastWords, tombstones, progress } = this.options;
    const pod = either(before, after);
    if (after === undefined) lastWords.forget(pod.metadata.uid);
    else lastWords.see(after);
    if (!isTrainer(pod)) return; // rollout workers come and go
    if (after === undefined) {
      tombstones.addPod(pod, Date.now());
      progress.forget(pod.metadata.uid);
    } else progress.see(after);
    if (!isUnchanged(before, after))
      this.enqueueStageOf(pod, after === undefined || isEnding(after) ? 0 : settleMs.attempt);
  }

  private claimChanged(before: Stored<VolumeClaim> | undefined, after: Stored<VolumeClaim> | undefined): void {
    const { caches, claims, enqueuePipeline } = this.options;
    if (before !== undefined && !isUnchanged(before, after)) claims.forget(before.metadata);
    if (after === undefined) return; // who misses it says so
    const { namespace, labels: given } = after.metadata;
    const key = keyIn(namespace, given?.[labels.pipeline] ?? '');
    const pipeline = caches.pipelines.get(key);
    if (pipeline !== undefined && isOtherThanSaid(after, pipeline)) enqueuePipeline(key, 0);
  }
}

/** Whether a stage has ended, and how, or is being deleted: its pipeline decides by that. */
function endWords(stage: R1Stage | undefined): string {
  const { status } = findCondition(stage?.status?.conditions, 'Succeeded') ?? {};
  return `${status} ${stage?.metadata.deletionTimestamp}`;
}

function either<T>(before: T | undefined, after: T | undefined): T {
  const object = after ?? before;
  if (object === undefined) throw new Error('a change without an object');
  return object;
}
