import { DivergedError } from '../contract/process/errors.ts';
import type { Head, ModelConfig } from '../models/config.ts';
import { parameterLayout } from '../models/parameters.ts';
import { headOf } from '../models/programs.ts';
import type { ParameterLayout, ParameterTensor } from '../models/parameters.ts';
import { clipFactor } from '../optim/clipping.ts';
import type { AskedFigure } from '../passes/head-runs.ts';
import { inverseOf } from '../rollout/decoder.ts';
import { type Claims, finishClaim, newClaims } from '../rollout/claims.ts';
import type { Completion, GenerationRequest } from '../rollout/requests.ts';
import type { Backend, DeviceUse, MicroBatchResult, OnCompletion, WriteMoments, WriteTensors } from './backend.ts';
import { cutBatch, cutCompletions, cutSequences, inBatchOrder, sizeOfScored, tokenFields } from './batches.ts';
import { planGeneration } from './generation-plan.ts';
import { LiveGeneration } from './live-generation.ts';
import type { OptimizerState, StepReport, StepSettings } from './optimizer-step.ts';
import type { ScoredSequence, TokenSequence, TrainingBatch } from './sequences.ts';
import { StopGuard } from './stop-guard.ts';
import { WorkCount } from './work-count.ts';
import { laneDevices } from '../runtime/choose-device.ts';
import { DeviceBackend } from './device/device-backend.ts';
import { ThreadBackend } from './threads/thread-backend.ts';

export type { Completion, GenerationRequest, TrainingBatch };

export interface EngineOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Writes those of the policy. Without it there is none until `writeParameters`. */
  readonly parameters?: WriteTensors | undefined;
  /** Worker threads; one per core when absent. The number changes no bit of any result. */
  readonly workers?: number;
  /** Makes room for training: gradient and moments. */
  readonly optimizer?: boolean;
  /** Called whenever a worker has done something: a sign of life during long calls. */
  readonly onActivity?: () => void;
  /** Abandons running and later calls, whose results are then wanted no more. */
  readonly stop?: AbortSignal | undefined;
}

interface FreeGeneration {
  readonly claims: Claims;
  readonly helpers?: number;
  readonly set?: string;
  readonly onCompletion: OnCompletion;
}

/**
 * Samples from a model, scores with it and trains it, in worker threads; the main thread never blocks. Work is done one
 * call at a time, in the order of the calls.
 *
 * Probabilities that `generate`, `tokenProbabilities` and `step` give for the same tokens and weights are equal to the bit.
 */
export class Engine {
  readonly layout: ParameterLayout;
  readonly #config: ModelConfig;
  readonly #backend: Backend;
  readonly #stop: StopGuard;
  /** What was computed here. */
  readonly work: WorkCount;
  #steps = 0;
  /** Calls that are not done. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(config: ModelConfig, layout: ParameterLayout, backend: Backend, stop: AbortSignal | undefined) {
    this.#stop = new StopGuard(stop, () => backend.abandon());
    this.#config = config;
    this.layout = layout;
    this.work = new WorkCount(layout);
    this.#backend = backend;
  }

  static async create({
    config,
    head,
    parameters,
    workers,
    optimizer = false,
    onActivity = () => {},
    stop,
  }: EngineOptions): Promise<Engine> {
    const options = { config, head, optimizer, onActivity };
    const devices = laneDevices();
    const backend =
      devices.length > 0
        ? await DeviceBackend.start({ ...options, devices })
        : await ThreadBackend.start({ ...options, workers });
    const engine = new Engine(config, parameterLayout(config, head), backend, stop);
    try {
      if (parameters) await engine.writeParameters('policy', parameters);
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** The numbers of one tensor of a set; read only, and good until the set changes. */
  async readTensor(tensor: ParameterTensor, set = 'policy'): Promise<Float32Array> {
    return this.#backend.parameters.read(set, tensor);
  }

  /** All tensors of a set, one after the other, in the order of the layout. */
  async *readParameters(set = 'policy'): AsyncGenerator<{ tensor: ParameterTensor; values: Float32Array }> {
    for (const tensor of this.layout.tensors) yield { tensor, values: await this.readTensor(tensor, set) };
  }

  /** Another one whenever the policy's parameters change, before the first of them does. */
  get parametersVersion(): number {
    return this.#backend.parameters.version('policy');
  }

  /** The result of some work, unless the engine is asked to stop first. @throws InterruptedError */
  async orStop<T>(work: Promise<T>): Promise<T> {
    return this.#stop.orStop(work);
  }

  /** Worker threads. */
  get workers(): number {
    return this.#backend.workers;
  }

  /** Adds or replaces a set. Where writing fails, a set that was there before has some of the new numbers. */
  async writeParameters(name: string, write: WriteTensors): Promise<void> {
    this.#expectIdle();
    await this.#inOrder(() => this.#backend.parameters.put(name, write));
  }

  /** Adds or replaces a set that shares with the policy what is not trained, of which the rest is written. */
  async writeTrainedParameters(name: string, write: WriteTensors): Promise<void> {
    this.#expectIdle();
    await this.#inOrder(() => this.#backend.parameters.putTrained(name, write));
  }

  /** Makes `to` a copy of `from` as it is now; they share what is not trained. */
  async copyParameters(from: string, to: string): Promise<void> {
    this.#expectIdle();
    await this.#inOrder(() => this.#backend.parameters.copy(from, to));
  }

  /**
   * Samples one completion per request, in request order. Results depend on the requests, the weights and nothing else.
   *
   * @param options.onCompletion called with the request's index as each one ends, in no particular order
   * @throws UserError if a prompt is empty or leaves no room for a token
   * @throws InterruptedError if the engine is asked to stop, as all calls do
   */
  async generate(
    requests: readonly GenerationRequest[],
    { set = 'policy', onCompletion }: { set?: string; onCompletion?: OnCompletion } = {},
  ): Promise<Completion[]> {
    const completions: Completion[] = [];
    await this.generateFree(requests, {
      claims: newClaims(requests.length),
      set,
      onCompletion: (index, completion) => {
        completions[index] = completion;
        onCompletion?.(index, completion);
      },
    });
    return completions;
  }

  /**
   * Samples completions of those requests that are free when their turn comes, while others may take some, too. Ends
   * when none is free and all taken here are done; one that someone else has done meanwhile is dropped.
   *
   * @param options.helpers worker threads elsewhere that share the requests; how the work is cut depends on it, no result does
   */
  async generateFree(
    requests: readonly GenerationRequest[],
    { claims, helpers = 0, set = 'policy', onCompletion }: FreeGeneration,
  ): Promise<void> {
    const plans = planGeneration(requests, claims, this.#config, this.workers + helpers);
    const take = (index: number, completion: Completion): void => {
      this.work.forward(completion.tokenIds.length);
      if (finishClaim(claims, index)) onCompletion(index, completion);
    };
    await this.#inOrder(async () => {
      for (const plan of plans) await this.#stop.orStop(this.#backend.generate(plan, set, claims, take));
    });
  }

  /**
   * Samples for whoever asks, until it is closed: completions come and go in one batch. Other calls wait until then. The bits of a completion
   * are those of `generate` at the temperatures 0 and 1.
   */
  async generateLive({ set = 'policy' }: { set?: string } = {}): Promise<LiveGeneration> {
    const opened = Promise.withResolvers<LiveGeneration>();
    const ended = this.#inOrder(async () => {
      const live = await LiveGeneration.open(this.#backend, this.#config, set);
      opened.resolve(live);
      await this.#stop.orStop(live.ended);
    });
    ended.catch(opened.reject);
    return opened.promise;
  }

  /** Probability of each completion token at a temperature (0 counts as 1). */
  async tokenProbabilities(
    sequences: readonly TokenSequence[],
    options: { set?: string; temperature: number },
  ): Promise<Float32Array[]> {
    return this.#tokenFigures('prob', sequences, options);
  }

  /** Entropy of the distribution that each completion token is drawn from, in nats, at a temperature (0 counts as 1). */
  async tokenEntropies(
    sequences: readonly TokenSequence[],
    options: { set?: string; temperature: number },
  ): Promise<Float32Array[]> {
    return this.#tokenFigures('entropy', sequences, options);
  }

  async #tokenFigures(
    figure: AskedFigure['figure'],
    sequences: readonly TokenSequence[],
    { set = 'policy', temperature }: { set?: string; temperature: number },
  ): Promise<Float32Array[]> {
    return this.#inOrder(async () => {
      const parts = cutCompletions(sequences, this.#config, tokenFields);
      const asked = { figure, inverseTemperature: inverseOf(temperature) };
      this.work.forward(tokensOf(parts));
      return inBatchOrder(parts, await this.#stop.orStop(this.#backend.tokenFigures(parts, set, asked)));
    });
  }

  /** The scalar head's score of each sequence, at its last token. */
  async scores(sequences: readonly ScoredSequence[], { set = 'policy' }: { set?: string } = {}): Promise<number[]> {
    return this.#inOrder(async () => {
      const parts = cutSequences(sequences, this.#config, { size: sizeOfScored });
      this.work.forward(tokensOf(parts));
      return inBatchOrder(parts, await this.#stop.orStop(this.#backend.scores(parts, set)));
    });
  }

  /**
   * One optimizer step on the policy, done or not done: where it throws, parameters and moments are still those of before.
   *
   * @throws DivergedError if loss or gradient is not finite
   */
  async step<B extends TrainingBatch>(batch: B, settings: StepSettings): Promise<StepReport<B['loss']>> {
    return this.#inOrder(async () => {
      const parts = cutBatch(batch, this.#config);
      if (parts.length === 0) throw new Error('an optimizer step needs at least one sequence');
      const positions = tokensOf(parts);
      this.work.trained(positions);
      const { results, norm: gradNorm } = await this.#stop.orStop(this.#backend.gradient(parts));
      const loss = results.reduce((sum, result) => sum + result.loss, 0);
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
        throw new DivergedError(
          `optimizer step ${this.#steps + 1}: the ${batch.loss} loss is ${loss} and the gradient norm ${gradNorm}, ` +
            'expected finite numbers; a lower learning rate may help',
        );
      }
      await this.#stop.whole(async () => {
        this.#steps++;
        await this.#backend.update(settings, this.#steps, clipFactor(gradNorm, settings.maxGradNorm));
      });
      const inOrder = <T>(pick: (result: MicroBatchResult) => readonly T[]) => inBatchOrder(parts, results.map(pick));
      return {
        loss,
        gradNorm,
        positions,
        ...(headOf[batch.loss] === 'lm' && { probs: inOrder(({ probs }) => probs) }),
        ...(batch.loss === 'sft' && { top: inOrder(({ top }) => top) }),
        ...(batch.loss === 'pairwise' && { scores: inOrder(({ pairScores }) => pairScores) }),
        ...(batch.loss === 'pointwise' && { scores: inOrder(({ scores }) => scores) }),
      } as StepReport<B['loss']>;
    });
  }

  /** Optimizer steps so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Not a copy, where the moments can be read where they lie: save them before the next step. */
  async optimizerState(): Promise<OptimizerState> {
    const { m, v } = await this.#backend.readMoments();
    return { step: this.#steps, m, v };
  }

  /** @param write fills the moments after so many steps */
  async restoreOptimizer(step: number, write: WriteMoments): Promise<void> {
    this.#expectIdle();
    await this.#inOrder(() => this.#backend.writeMoments(write));
    this.#steps = step;
  }

  /** Undefined where no device computes. */
  async deviceUse(): Promise<DeviceUse | undefined> {
    return this.#inOrder(async () => this.#backend.deviceUse?.());
  }

  /** Ends the worker threads once they are out of the program they are running; calls not yet done are rejected. */
  async close(): Promise<void> {
    this.#stop.close();
    await this.#backend.close();
  }

  /** Starts `work` when all earlier work is done: none of it may see parameters change underneath. */
  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#last.then(work).finally(() => this.#waiting--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Nothing may change what a running call reads. */
  #expectIdle(): void {
    if (this.#waiting > 0) throw new Error('the engine is working: await its last call before changing its memory');
  }
}

function tokensOf(parts: readonly { readonly tokens: number }[]): number {
  return parts.reduce((sum, { tokens }) => sum + tokens, 0);
}
