import type { ProgressLine, StageResult } from '../../trainer/contract/progress.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import type { R1Stage } from '../api/stage.ts';

/** Why an attempt was asked to end. */
export type StopReason = 'suspended' | 'shutdown' | 'hung' | 'deadline' | 'budget';

/** How the process of an attempt ended, as far as someone saw it. */
export interface AttemptExit {
  readonly code?: number;
  /** Such as SIGKILL. */
  readonly signal?: string;
  /** What the surroundings know better than the exit code. */
  readonly cause?: 'outOfMemory' | 'evicted' | 'nodeLost' | 'preempted';
  /** The last words of the process, for want of a result. */
  readonly detail?: string;
}

/** One attempt as the shell sees it now. */
export interface AttemptObserved {
  readonly number: number;
  /** `ended`: nothing of it is left that could still write. */
  readonly state: 'pending' | 'running' | 'ended';
  /** Milliseconds since the epoch, as every time in an observation. */
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly gpus: number;
  readonly node?: string;
  readonly progress?: ProgressLine;
  readonly lastProgressAt?: number;
  /** It was asked to end. */
  readonly stopping?: StopReason;
  /** Absent from an ended attempt whose end nobody saw. */
  readonly exit?: AttemptExit;
  readonly result?: StageResult;
  /** Why the checkpoint named by the result cannot be used; absent when it verified. */
  readonly checkpointProblem?: string;
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
}

/** Everything that `decidePipeline` may know. */
export interface PipelineObserved {
  readonly now: number;
  readonly pipeline: R1Pipeline;
  /** Those that exist, in any order. */
  readonly stages: readonly R1Stage[];
  /** How many stages may run at the same time: one where they share a machine or a volume. */
  readonly maxRunningStages: number;
}
