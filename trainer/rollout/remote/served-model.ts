import type { LoraSettings, Precision } from '../../contract/settings/training.ts';
import type { Claims } from '../claims.ts';
import type { Completion, GenerationRequest } from '../requests.ts';
import type { ModelLimits } from './check-completion.ts';

/** What the server needs of the learner's engine. */
export interface LearnerEngine {
  readonly workers: number;
  readonly layout: { readonly size: number };
  /** The numbers of one tensor after the other. */
  readParameters(): AsyncIterable<{ readonly values: Float32Array }>;
  /** Another one whenever the parameters change, before the first of them does. */
  readonly parametersVersion: number;
  /** The result of some work, unless the learner is asked to stop first. */
  orStop<T>(work: Promise<T>): Promise<T>;
  generateFree(
    requests: readonly GenerationRequest[],
    options: { claims: Claims; helpers: number; onCompletion: (index: number, completion: Completion) => void },
  ): Promise<void>;
}

export interface ServedModel {
  readonly engine: LearnerEngine;
  /** The content of `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Adapters on it, whose parameters come after its own. */
  readonly lora?: LoraSettings | undefined;
  /** Of its products; f32 when absent. */
  readonly precision?: Precision | undefined;
  readonly limits: ModelLimits;
}
