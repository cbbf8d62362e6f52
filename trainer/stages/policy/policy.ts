import type { ChatSettings } from '../../contract/settings/chat.ts';
import type { OptimizerSettings } from '../../contract/settings/training.ts';
import type { WriteTensors } from '../../engine/backend.ts';
import { type Completion, Engine, type GenerationRequest, type TrainingBatch } from '../../engine/engine.ts';
import type { StepReport } from '../../engine/optimizer-step.ts';
import { type Head, type ModelConfig, toHfConfig } from '../../models/config.ts';
import type { Accept } from '../../rollout/remote/roster.ts';
import type { RolloutServer } from '../../rollout/remote/server.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';
import { stopIdOf } from './encoding.ts';
import { type LoadedModel, loadModel } from './load-model.ts';
import { precisionOf } from '../checks/precision-of.ts';

interface PolicyOptions {
  readonly workers?: number | undefined;
  /** Keeps optimizer moments; without it the model only samples and scores. */
  readonly trained?: boolean | undefined;
  /** Called when work inside a long call has gone on. */
  readonly onActivity?: () => void;
  /** Calls of the engine then throw InterruptedError at once. */
  readonly stop?: AbortSignal;
}

interface OpenOptions {
  readonly head?: Head;
  readonly chat?: ChatSettings;
}

/** A model with its tokenizer and engine: what a recipe samples from, trains and saves. */
export class Policy {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** Directory whose tokenizer files every checkpoint copies. */
  readonly tokenizerDirectory: string;
  readonly engine: Engine;
  #hasReference = false;
  private rolloutServer: RolloutServer | undefined;

  private constructor({ config, head, tokenizer, tokenizerDirectory }: LoadedModel, engine: Engine) {
    this.config = config;
    this.head = head;
    this.tokenizer = tokenizer;
    this.tokenizerDirectory = tokenizerDirectory;
    this.engine = engine;
  }

  static async start(
    model: LoadedModel,
    { workers, trained = false, onActivity, stop }: PolicyOptions,
  ): Promise<Policy> {
    const { config, head, parameters, tokenizer } = model;
    try {
      const engine = await Engine.create({
        config,
        head,
        parameters,
        optimizer: trained,
        ...(workers !== undefined && { workers }),
        ...(onActivity && { onActivity }),
        stop,
      });
      return new Policy(model, engine);
    } catch (error) {
      await tokenizer.close();
      throw error;
    }
  }

  /** A model for inference alone, from a checkpoint, in the precision of its stage, or from any Hugging Face directory, in f32. */
  static async open(
    directory: string,
    { head = 'lm', chat, ...options }: PolicyOptions & OpenOptions = {},
  ): Promise<Policy> {
    const precision = await precisionOf(directory);
    return Policy.start(await loadModel(directory, head, 0, { chat, precision }), options);
  }

  /** From now on rollout workers help to sample. */
  shareWith(server: RolloutServer): void {
    const { lora, precision } = this.config;
    server.serve({ engine: this.engine, config: this.hfConfig, lora, precision, limits: this.config });
    this.rolloutServer = server;
  }

  /** Samples one completion per request, in request order; rollout workers help where there are any. */
  generate(requests: readonly GenerationRequest[], accept: Accept = 'equal'): Promise<Completion[]> {
    return this.rolloutServer?.generate(requests, accept) ?? this.engine.generate(requests);
  }

  train<B extends TrainingBatch>(
    batch: B,
    learningRate: number,
    optimizer: OptimizerSettings,
  ): Promise<StepReport<B['loss']>> {
    const [beta1 = 0.9, beta2 = 0.95] = optimizer.betas;
    return this.engine.step(batch, { ...optimizer, betas: [beta1, beta2], learningRate });
  }

  /** Whether there is a reference policy: a set of the engine, which shares with the policy what is not trained. */
  get hasReference(): boolean {
    return this.#hasReference;
  }

  /** Makes the present weights the reference. */
  async refreshReference(): Promise<void> {
    await this.engine.copyParameters('policy', 'reference');
    this.#hasReference = true;
  }

  /**
   * Moves the reference towards the present weights: `α · policy + (1 − α) · reference`, tensor by tensor. Of adapters this would not be
   * the mean of what they add. Source: TR-DPO, arXiv:2404.09656, eq. 2; `SyncRefModelCallback` of TRL.
   */
  async mixReference(alpha: number): Promise<void> {
    const { engine } = this;
    await engine.writeTrainedParameters('reference', async (memoryOf) => {
      for (const tensor of engine.layout.tensors.filter(({ trained }) => trained)) {
        const reference = (await engine.readTensor(tensor, 'reference')).slice();
        const policy = await engine.readTensor(tensor);
        const mixed = reference.map((value, index) => (1 - alpha) * value + alpha * (policy[index] as number));
        (await memoryOf(tensor)).set(mixed);
      }
    });
  }

  /** @param trained writes what the reference has of its own: all weights, or the adapters alone */
  async restoreReference(trained: WriteTensors): Promise<void> {
    await this.engine.writeTrainedParameters('reference', trained);
    this.#hasReference = true;
  }

  /** The content of `config.json`. */
  get hfConfig(): Record<string, unknown> {
    const { stopIds, bosId, padId } = this.tokenizer;
    return toHfConfig(this.config, {
      eosTokenId: stopIds.length === 1 ? stopIdOf(this.tokenizer) : [...stopIds],
      ...(bosId !== undefined && { bosTokenId: bosId }),
      // transformers takes the score at the last token that is no padding: what ends each exchange must not be it.
      ...(!(this.head === 'scalar' && stopIds.includes(padId)) && { padTokenId: padId }),
      head: this.head,
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.engine.close(), this.tokenizer.close()]);
  }
}
