import type { AskedFigure } from '../../passes/head-runs.ts';
import type { Head, ModelConfig } from '../../models/config.ts';
import type { AdamWSettings, Range } from '../../optim/adamw.ts';
import type { Claims } from '../../rollout/claims.ts';
import type { Completion, PromptGroup } from '../../rollout/requests.ts';
import type { Cancellation, RuntimeName } from '../../runtime/runtime.ts';
import type { MicroBatchResult } from '../backend.ts';
import type { LivePlan } from '../generation-plan.ts';
import type { ScoredSequence, TokenSequence, TrainingBatch } from '../sequences.ts';

/** What a worker thread is started with. */
export interface WorkerSettings {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly runtime: RuntimeName;
  /** Whose gradient is added next: see turn.ts. */
  readonly turns: Int32Array;
  /** [0]: how many threads are running; each counts itself. */
  readonly running: Int32Array;
}

/** A parameter set at one version; a worker copies it again when the version has changed. */
export interface ParameterSource {
  readonly name: string;
  readonly version: number;
  /** Another one when the values lie elsewhere. In a worker the same memory is another object in every message. */
  readonly place: number;
  /** What is not trained, and what is. */
  readonly frozen: Weights;
  readonly trained: Weights;
}

/** Flat, in shared memory. */
export interface Weights {
  readonly values: Float32Array;
  /** Where some tensors are read in bfloat16: these, where they are in `values`; between them there are no numbers. */
  readonly rounded: Uint16Array | undefined;
}

/** Flat arrays of the optimizer over what is trained, in shared memory. */
export interface OptimizerMemory {
  /** Sum of the micro-batches' gradients. */
  readonly gradient: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Σ g² of one block of the gradient after the other (squares.ts), whatever the number of workers. */
  readonly squares: Float64Array;
}

/** `EmbeddingRows` in shared memory. */
export interface SharedRows {
  readonly rowOf: Int32Array;
  /** `[rows, d]` */
  readonly rows: Float32Array;
}

/** What a worker tells of while it generates. */
export interface CompletionEvent {
  readonly index: number;
  readonly completion: Completion;
}

/** Work for one worker, by kind, with its result. */
export type Jobs = {
  /** Answers once the thread has loaded its modules, with what ends its runs. */
  ready: { request: object; result: Cancellation };
  /** Takes groups from a queue shared by all workers until it is empty; completions arrive as events. */
  generate: {
    request: {
      readonly source: ParameterSource;
      readonly temperature: number;
      readonly groups: readonly PromptGroup[];
      /** [0]: the next group to take. */
      readonly queue: Int32Array;
      /** Samples that someone else has taken are left out. */
      readonly claims: Claims;
      readonly rows: number;
      readonly blocks: number;
      /** The same weights packed, where they are. */
      readonly panels: Float32Array | undefined;
    };
    result: true;
  };
  /** Samples the groups that come as news, until nothing more comes; tokens and completions are events. */
  generateLive: {
    request: LivePlan & { readonly source: ParameterSource; readonly panels: Float32Array | undefined };
    result: true;
  };
  tokenFigures: {
    request: {
      readonly source: ParameterSource;
      readonly sequences: readonly TokenSequence[];
      readonly asked: AskedFigure;
    };
    result: readonly Float32Array[];
  };
  scores: {
    request: {
      readonly source: ParameterSource;
      readonly sequences: readonly ScoredSequence[];
    };
    result: readonly number[];
  };
  /** Adds the gradient of a micro-batch to the sum when it is its turn; the last one also adds the embedding's rows. */
  gradient: {
    request: {
      readonly source: ParameterSource;
      readonly memory: OptimizerMemory;
      readonly embedding: SharedRows;
      /** Place of the micro-batch in the sum, from 0. */
      readonly index: number;
      /** Whether it is the last one of the step. */
      readonly last: boolean;
      readonly batch: TrainingBatch;
    };
    result: MicroBatchResult;
  };
  /** Rounds those tensors to bfloat16 that are read in it, of a range of elements. */
  round: {
    request: {
      readonly part: 'frozen' | 'trained';
      readonly values: Float32Array;
      readonly rounded: Uint16Array;
      readonly range: Range;
    };
    result: true;
  };
  /** Packs a worker's share of the weights that are trained. */
  pack: {
    request: {
      readonly weights: Weights;
      readonly panels: Float32Array;
      readonly worker: number;
      readonly workers: number;
    };
    result: true;
  };
  /** Sums the squares of a range of the gradient's blocks. */
  squares: { request: { readonly memory: OptimizerMemory; readonly range: Range }; result: true };
  /** AdamW over a range of elements. */
  update: {
    request: {
      readonly memory: OptimizerMemory;
      /** What is trained. */
      readonly parameters: Float32Array;
      readonly range: Range;
      readonly settings: AdamWSettings;
      readonly step: number;
      readonly gradientScale: number;
    };
    result: true;
  };
};
