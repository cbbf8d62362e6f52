import type { ProgressLine, StageResult } from '../../trainer/contract/files/progress.ts';
import type { waitingReasons } from '../api/resources/conditions.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import type { FileContents, R1Stage } from '../api/resources/stage.ts';

/**
 * Why an attempt was asked to end. `replaced`: it waits for a pod of settings that are no longer asked for; `volumeGone`: for
 * a claim that will never be there for it; `orphaned`: nobody else could end it any more.
 */
export type StopReason =
  | 'suspended'
  | 'shutdown'
  | 'hung'
  | 'deadline'
  | 'budget'
  | 'replaced'
  | 'volumeGone'
  | 'orphaned'
  | 'startDeadline';

/** What keeps a pending attempt from running, as the reason of the stage's condition. */
export type WaitingReason = (typeof waitingReasons)[number];

/** How the process of an attempt ended, as far as someone saw it. */
export interface AttemptExit {
  readonly code?: number;
  /** Such as SIGKILL. */
  readonly signal?: string;
  /** Nothing of it ever ran, as far as someone saw it: it waited until something ended it. */
  readonly neverRan?: true;
  /** Nothing is left of it that would tell whether it ran. */
  readonly noTrace?: true;
  /** What the surroundings know better than the exit code. */
  readonly cause?: 'outOfMemory' | 'evicted' | 'nodeLost' | 'preempted' | 'deleted';
  /** The last words of the process, for want of a result. */
  readonly detail?: string;
}

/** One attempt as the shell sees it now. */
export interface AttemptObserved {
  readonly number: number;
  /** `ended`: nothing of it is left that could still write to a directory that others read. */
  readonly state: 'pending' | 'running' | 'ended';
  /**
   * When it began to run; while it waits, when it was made; of one that ended before it ran, when it ended. In
   * milliseconds since the epoch, as every time in an observation.
   */
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly gpus: number;
  /** When its pod got a node, and with it its GPUs; absent where it holds none. */
  readonly heldSince?: number;
  readonly node?: string;
  readonly progress?: ProgressLine;
  /**
   * For how long it is known to have written no new progress line, in milliseconds: a difference of times on the clock of
   * whoever looks, so that no clock of another machine plays a part. A line that nobody has fetched yet is no silence.
   */
  readonly silentMs?: number;
  /** What a pending attempt waits for, in words: `0/3 nodes are available: insufficient nvidia.com/gpu`. */
  readonly waiting?: string;
  /** The same in one word. */
  readonly waitingReason?: WaitingReason;
  /** It waits for the claim of its pipeline, which is being deleted, or is gone and would have to be made anew. */
  readonly volumeGone?: true;
  /** What it is made of was made by something that is gone, and by which alone it could be asked to end. */
  readonly orphaned?: true;
  /** It was made with other defaults than those of its surroundings now. */
  readonly hasOtherDefaults?: true;
  /** `attemptDigest` of the spec that it was made from. */
  readonly madeFrom?: string;
  /** `settingsDigest` of that spec; absent where it cannot have become another. */
  readonly settings?: string;
  /** Where it writes, below the stage's own directory, which its checkpoint is relative to; absent: that directory. */
  readonly directory?: string;
  /** It was asked to end. */
  readonly stopping?: StopReason;
  /** Absent from an ended attempt whose end nobody saw. */
  readonly exit?: AttemptExit;
  readonly result?: StageResult;
  /** Why the checkpoint named by the result cannot be used; absent when it verified. */
  readonly checkpointProblem?: string;
}

/** A wish that the world turned down for now, such as a Job that is not valid or goes beyond a quota. */
export interface Refusal {
  readonly message: string;
  /** When to ask again. */
  readonly until: number;
  /** It is a matter of seconds: nobody has to do anything. */
  readonly passes?: true;
}

/** The rollout workers of an attempt. */
export interface RolloutsObserved {
  readonly attempt: number;
  /** As many as were asked for. */
  readonly workers: number;
  readonly running: number;
  /** What the others wait for, in words. */
  readonly waiting?: string;
  /** They were made with other defaults than those of their surroundings now. */
  readonly hasOtherDefaults?: true;
}

/** Everything that `decideStage` may know. */
export interface StageObserved {
  readonly now: number;
  readonly stage: R1Stage;
  /** Those that left traces; older ones are in the status. */
  readonly attempts: readonly AttemptObserved[];
  /** Why the final checkpoint of this finished stage, which is still needed, cannot be used. */
  readonly damage?: string;
  /** Why a pinned input cannot be used now. */
  readonly inputProblem?: string;
  /** Why this world cannot run the stage as it is, in words. */
  readonly problem?: string;
  /** Rollout workers by the attempt that they sample for. Absent where they come with their attempt. */
  readonly rollouts?: readonly RolloutsObserved[];
  /** Attempts of which processes go on, or may begin; absent where none can. */
  readonly leftovers?: readonly {
    readonly attempt: number;
    /** The trainer is none of them. */
    readonly isOutlived: boolean;
    /** Nothing of it has ended, or was asked to end. */
    readonly isUnended?: true;
  }[];
  /** The newest attempt to start rollout workers. */
  readonly rolloutRefusal?: Refusal;
  /** When what is seen means something else, although nothing will be heard of it. */
  readonly changesAt?: number;
  /** The newest attempt to start an attempt. */
  readonly refusal?: Refusal;
  /** The newest attempt to end one. */
  readonly stopRefusal?: Refusal;
}

/** Everything that `decidePipeline` may know. */
export interface PipelineObserved {
  readonly now: number;
  readonly pipeline: R1Pipeline;
  /** Those that exist, in any order. */
  readonly stages: readonly R1Stage[];
  /** How many stages may run at the same time: one where they share a machine or a volume. */
  readonly maxRunningStages: number;
  /** A stage that waits for people is one of them: where it is mounted, no other one can mount the volume. */
  readonly reviewsTakePlace?: true;
  /** What the files hold that it names; absent where they cannot be looked at, as on a cluster. */
  readonly contents?: FileContents;
  /** Why this world cannot run the manifest as it is, in words. */
  readonly problem?: string;
  /** The newest attempt to create a stage or what it needs. */
  readonly refusal?: Refusal;
  /** The volume that was made for it; absent where there is none, or nothing would be deleted with the pipeline. */
  readonly volume?: VolumeObserved;
}

export interface VolumeObserved {
  /** When the pipeline is deleted, as things are. */
  readonly stays: boolean;
  /** The newest attempt to have it stay, or go. */
  readonly refusal?: Refusal;
}
