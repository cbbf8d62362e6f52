import type { AskedFigure } from '../../passes/head-runs.ts';
import type { Head, ModelConfig } from '../../models/config.ts';
import type { ParameterTensor } from '../../models/parameters.ts';
import type { AdamWSettings, Range } from '../../optim/adamw.ts';
import type { Claims } from '../../rollout/claims.ts';
import type { PromptGroup } from '../../rollout/requests.ts';
import type { LaneDevice } from '../../runtime/choose-device.ts';
import type { MemoryRoom } from '../../passes/device-pass-memory.ts';
import type { DeviceTraffic, PeerTensor } from '../../runtime/device-memory.ts';
import type { Cancellation, RuntimeName } from '../../runtime/runtime.ts';
import type { DeviceUse, MicroBatchResult, Moments } from '../backend.ts';
import type { TrainingPart } from '../batches.ts';
import type { LivePlan } from '../generation-plan.ts';
import type { ScoredSequence, TokenSequence } from '../sequences.ts';
import type { TrainedValues } from './device-parameters.ts';

/** What the thread of a lane is started with. */
export interface LaneSettings {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly optimizer: boolean;
  readonly device: LaneDevice;
  /** Of a part of the host. */
  readonly runtime: RuntimeName;
  /** Of what is trained, what this lane updates, in the blocks in which squares are summed. */
  readonly blocks: readonly Range[];
  /** [0]: not 0 once nobody waits for what is being computed. */
  readonly unwanted: Int32Array;
  /** [0]: how many threads are running; each counts itself. */
  readonly running: Int32Array;
}

/** What is trained of the policy, in the memory of its lane. */
type PeerPolicy = TrainedValues<PeerTensor<'float32'>, PeerTensor<'bfloat16'>>;

/** Work for a lane, by kind, with its result. Of parameters and moments there are copies in messages, a tensor at a time. */
export type LaneJobs = {
  /** Answers once the thread has its device, with what ends its runs. */
  ready: { request: object; result: Cancellation };
  /** Adds a set, unless there is one of that name. */
  addSet: { request: { readonly set: string; readonly sharesFrozen: boolean }; result: true };
  writeTensor: {
    request: { readonly set: string; readonly tensor: ParameterTensor; readonly values: Float32Array };
    result: true;
  };
  readTensor: { request: { readonly set: string; readonly tensor: ParameterTensor }; result: Float32Array };
  copySet: { request: { readonly from: string; readonly to: string }; result: true };
  /** Moments are those of what the lane updates. */
  readMoments: { request: object; result: Moments };
  writeMoments: { request: Moments; result: true };
  /** Takes groups from a queue until it is empty; completions arrive as events. */
  generate: {
    request: {
      readonly set: string;
      readonly temperature: number;
      readonly groups: readonly PromptGroup[];
      /** [0]: the next group to take. */
      readonly queue: Int32Array;
      readonly claims: Claims;
      readonly rows: number;
      readonly blocks: number;
    };
    result: true;
  };
  /** Samples the groups that come as news, until nothing more comes; tokens and completions are events. */
  generateLive: { request: LivePlan & { readonly set: string }; result: true };
  tokenFigures: {
    request: {
      readonly set: string;
      readonly sequences: readonly TokenSequence[];
      readonly asked: AskedFigure;
    };
    result: readonly Float32Array[];
  };
  scores: {
    request: { readonly set: string; readonly sequences: readonly ScoredSequence[] };
    result: readonly number[];
  };
  /** Sums gradients over the part of the tree that has these leaves; results are by micro-batch. */
  gradient: {
    request: { readonly leaves: readonly (readonly TrainingPart[])[] };
    result: readonly MicroBatchResult[];
  };
  /** Where other lanes find it. */
  exposeGradient: { request: object; result: PeerTensor<'float32'> };
  /** Sums what the lanes have of what this one updates, by lane; undefined where one has nothing. */
  sumGradients: {
    request: { readonly ofLanes: readonly (PeerTensor<'float32'> | 'own' | undefined)[] };
    result: true;
  };
  /** Σ x² of the gradient, by block that the lane updates. */
  squares: { request: object; result: readonly number[] };
  update: {
    request: { readonly settings: AdamWSettings; readonly step: number; readonly gradientScale: number };
    result: true;
  };
  /** Where other lanes find what is trained. */
  exposePolicy: { request: object; result: PeerPolicy };
  /** Copies what other lanes have updated. */
  takeParameters: {
    request: { readonly from: readonly { readonly policy: PeerPolicy; readonly range: Range }[] };
    result: true;
  };
  /** Memory that passes work in, in bytes, by name. */
  room: { request: object; result: MemoryRoom };
  makeRoom: { request: { readonly room: MemoryRoom }; result: true };
  traffic: { request: object; result: DeviceTraffic };
  use: { request: object; result: DeviceUse };
};
