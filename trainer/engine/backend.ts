import type { ParameterTensor } from '../models/parameters.ts';
import type { AskedFigure } from '../passes/head-runs.ts';
import type { AdamWSettings } from '../optim/adamw.ts';
import type { Claims } from '../rollout/claims.ts';
import type { LiveEvent } from '../rollout/live/generate-live.ts';
import type { LiveNews } from '../rollout/live/live-requests.ts';
import type { Completion } from '../rollout/requests.ts';
import type { Part, TrainingPart } from './batches.ts';
import type { GenerationPlan, LivePlan } from './generation-plan.ts';
import type { PairScores, ScoredSequence, TokenSequence } from './sequences.ts';

/**
 * What executes the work of an engine: worker threads on CPUs (`threads/`), or devices (`device/`). It holds parameters, gradient and moments where it computes; the
 * engine decides what is computed, and in which order. One call at a time, unless a call says otherwise.
 */
export interface Backend {
  /** Threads that share the work; how it is cut depends on it, no result does. */
  readonly workers: number;
  readonly parameters: ParameterStore;

  /** Samples those completions of a plan that are free, and tells of each as it ends. */
  generate(plan: GenerationPlan, set: string, claims: Claims, onCompletion: OnCompletion): Promise<void>;
  /** Samples what it is told of, until it is told that nothing more comes. */
  generateLive(plan: LivePlan, set: string, onEvent: (event: LiveEvent) => void): Promise<LiveThread[]>;
  /** By part and sequence, a figure of each completion token. */
  tokenFigures(
    parts: readonly Part<TokenSequence>[],
    set: string,
    asked: AskedFigure,
  ): Promise<(readonly Float32Array[])[]>;
  /** By part and sequence, the scalar head's score. */
  scores(parts: readonly Part<ScoredSequence>[], set: string): Promise<(readonly number[])[]>;
  /** The policy's gradient, summed over the parts in their order. It stays where it is, until the next one overwrites it. */
  gradient(parts: readonly TrainingPart[]): Promise<Gradient>;
  /** AdamW on the policy with the gradient that was made last. */
  update(settings: AdamWSettings, step: number, gradientScale: number): Promise<void>;
  /** As they are now; read only, and good until the next update. @throws Error if there is no optimizer */
  readMoments(): Promise<Moments>;
  /** @param write fills both arrays */
  writeMoments(write: WriteMoments): Promise<void>;

  /** Absent where no device computes. */
  deviceUse?(): Promise<DeviceUse>;

  /** Gives up all that runs, at once; what it would have given is wanted no more. May be called at any time. */
  abandon(): void;
  /** Frees everything; calls not yet done are rejected. */
  close(): Promise<void>;
}

/** Of devices, since they were opened. */
export interface DeviceUse {
  /** Bytes of its memory that one of them has held at most. */
  readonly mostBytes: number;
  /** Time in which threads waited for their devices, mean of them. In the rest they gave them work. */
  readonly waitedMs: number;
  /** Bytes that went in and out. */
  readonly borderBytes: number;
  /** How often memory was asked for, of all of them together. */
  readonly allocations: number;
}

/** A thread that samples what comes in. */
export interface LiveThread {
  readonly tell: (news: LiveNews) => void;
  /** Settles when it has sampled all before it was closed, or has failed. */
  readonly ended: Promise<unknown>;
}

/**
 * Parameter sets of the same layout, by name. Tensors come and go one at a time, so that they may lie anywhere and nobody needs memory for
 * all of a model.
 */
export interface ParameterStore {
  /** The numbers of a tensor as they are now; read only, and good until the set changes. */
  read(name: string, tensor: ParameterTensor): Promise<Float32Array>;
  /** Adds or replaces a set. */
  put(name: string, write: WriteTensors): Promise<void>;
  /** Adds or replaces a set that shares with the policy what is not trained, of which the rest is written. */
  putTrained(name: string, write: WriteTensors): Promise<void>;
  /** Makes `to` a copy of `from` as it is now; they share what is not trained. */
  copy(from: string, to: string): Promise<void>;
  /** Another one whenever a set changes, before the first of its numbers does. */
  version(name: string): number;
}

/**
 * Writes the tensors of a set, all of them, in any order: asks for the memory of one, fills it, and asks for the next. A tensor may be written
 * twice; its last numbers stay.
 */
export type WriteTensors = (memoryOf: MemoryOf) => Promise<void>;
export type MemoryOf = (tensor: ParameterTensor) => Promise<Float32Array>;

export type WriteMoments = (moments: Moments) => Promise<void>;

export type OnCompletion = (index: number, completion: Completion) => void;

export interface Gradient {
  /** L2 norm over all parameters that are trained. */
  readonly norm: number;
  /** By part. */
  readonly results: readonly MicroBatchResult[];
}

export interface MicroBatchResult {
  readonly loss: number;
  /** Per sequence: probability of each trained token; none where scores are trained. */
  readonly probs: readonly Float32Array[];
  /** Per sequence: the largest probability at each trained token; sft alone. */
  readonly top: readonly Float32Array[];
  /** Per pair: the scores of the chosen and the rejected sequence; pairwise alone. */
  readonly pairScores: readonly PairScores[];
  /** Per sequence; pointwise alone. */
  readonly scores: readonly number[];
}

/** Flat, one number for each parameter that is trained. */
export interface Moments {
  readonly m: Float32Array;
  readonly v: Float32Array;
}
