import type { Head, ModelConfig } from '../../models/config.ts';
import type { ParameterTensor } from '../../models/parameters.ts';
import type { AdamWSettings } from '../../optim/adamw.ts';
import type { Claims } from '../../rollout/claims.ts';
import type { PromptGroup } from '../../rollout/requests.ts';
import type { DeviceTraffic } from '../../runtime/device-memory.ts';
import type { Cancellation, RuntimeName } from '../../runtime/runtime.ts';
import type { Gradient, Moments } from '../backend.ts';
import type { TrainingPart } from '../batches.ts';
import type { ScoredSequence, TokenSequence } from '../sequences.ts';

/** What the thread of a lane is started with. */
export interface LaneSettings {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly optimizer: boolean;
  readonly runtime: RuntimeName;
  /** [0]: not 0 once nobody waits for what is being computed. */
  readonly unwanted: Int32Array;
  /** [0]: how many threads are running; each counts itself. */
  readonly running: Int32Array;
}

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
  probabilities: {
    request: {
      readonly set: string;
      readonly sequences: readonly TokenSequence[];
      readonly inverseTemperature: number;
    };
    result: readonly Float32Array[];
  };
  scores: {
    request: { readonly set: string; readonly sequences: readonly ScoredSequence[] };
    result: readonly number[];
  };
  gradient: { request: { readonly parts: readonly TrainingPart[] }; result: Gradient };
  update: {
    request: { readonly settings: AdamWSettings; readonly step: number; readonly gradientScale: number };
    result: true;
  };
  /** What has crossed the border since the device was opened. */
  traffic: { request: object; result: DeviceTraffic };
};
