import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyTokenizer } from '../checkpoint/companion-files.ts';
import { readModelDirectory, writeModelDirectory } from '../checkpoint/model-directory.ts';
import { SafetensorsFile, writeSafetensors } from '../checkpoint/safetensors.ts';
import { DivergedError, UserError } from '../contract/errors.ts';
import type { Message } from '../contract/dataset.ts';
import type { OptimizerSettings } from '../contract/training.ts';
import { type Completion, Engine, type GenerationRequest, type TrainingBatch } from '../engine/engine.ts';
import type { StepReport } from '../engine/optimizer-step.ts';
import { configFromInit, type Head, type ModelConfig, parseHfConfig, toHfConfig } from '../models/config.ts';
import { initialParameters, parameterLayout } from '../models/parameters.ts';
import type { RolloutServer } from '../rollout/remote/server.ts';
import { writeByteTokenizer } from '../tokenizers/byte-tokenizer.ts';
import { checkVocabulary, loadTokenizer, type Tokenizer } from '../tokenizers/tokenizer.ts';
import type { Metrics } from './metrics.ts';
import type { Workspace } from './workspace.ts';

interface ModelFiles {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** Directory whose tokenizer files every checkpoint copies. */
  readonly tokenizerDirectory: string;
  readonly parameters: Float32Array;
}

interface TrainerState {
  readonly optimizerStep: number;
  readonly hasReference: boolean;
  /** Figures of the newest step, and of the final evaluation once there is one. */
  readonly metrics: Metrics;
  readonly templateDigest: string;
}

interface LoadOptions {
  readonly head?: Head;
  /** Keeps optimizer moments; without it the model only samples and scores. */
  readonly trained?: boolean;
  /** Keeps a second set of weights, at first those of the starting point. */
  readonly reference?: boolean;
}

interface OpenOptions {
  readonly head?: Head;
  readonly workers?: number | undefined;
  /** Called when work inside a long call has gone on. */
  readonly onActivity?: () => void;
}

/** Optimizer moments and the reference policy: only in checkpoints that a stage may go on from. */
const resumeFile = 'trainer/resume.safetensors';
const stateFile = 'trainer/state.json';

/** A model with its tokenizer and engine: what a recipe samples from, trains and saves. */
export class Policy {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly engine: Engine;
  readonly head: Head;
  private readonly tokenizerDirectory: string;
  private hasReference = false;
  private rolloutServer: RolloutServer | undefined;

  private constructor(files: ModelFiles, engine: Engine, head: Head) {
    this.config = files.config;
    this.tokenizer = files.tokenizer;
    this.tokenizerDirectory = files.tokenizerDirectory;
    this.engine = engine;
    this.head = head;
  }

  /** The stage's newest verified checkpoint, or else the model it starts from. */
  static async load(workspace: Workspace, options: LoadOptions = {}): Promise<ResumedPolicy> {
    const checkpoint = await workspace.newestCheckpoint();
    const head = options.head ?? 'lm';
    const files = checkpoint
      ? await readModel(checkpoint.path, head, workspace.file.seed)
      : await readStartingModel(workspace, head);
    const tokenizerDirectory = join(workspace.file.out, 'tokenizer');
    if (files.tokenizerDirectory !== tokenizerDirectory) {
      // The checkpoint that it came from may be pruned while the stage runs.
      await mkdir(tokenizerDirectory, { recursive: true });
      await copyTokenizer(files.tokenizerDirectory, tokenizerDirectory);
    }
    await workspace.rewindLogs(checkpoint?.step ?? -1);
    const state = checkpoint && (await readState(checkpoint.path));
    const { workers } = workspace.file;
    const onActivity = workspace.progress.alive;
    const policy = await Policy.start({ ...files, tokenizerDirectory }, { head, ...options, workers, onActivity });
    if (head === 'lm') policy.shareWith(workspace.rolloutServer);
    try {
      if (!checkpoint || !state) {
        if (options.reference) policy.refreshReference();
        return { policy, step: 0, metrics: {}, final: undefined };
      }
      const { path, step, digest, manifest } = checkpoint;
      if (manifest.final) return { policy, step, metrics: state.metrics, final: { path, step, digest } };
      await policy.restore(path, state);
      return { policy, step, metrics: state.metrics, final: undefined };
    } catch (error) {
      await policy.close();
      throw error;
    }
  }

  /** A model for inference alone, from a checkpoint or any Hugging Face directory. */
  static async open(directory: string, options: OpenOptions = {}): Promise<Policy> {
    const head = options.head ?? 'lm';
    return Policy.start(await readModel(directory, head, 0), { ...options, head });
  }

  private static async start(files: ModelFiles, options: LoadOptions & OpenOptions & { head: Head }): Promise<Policy> {
    const { config, parameters } = files;
    const { head, workers, onActivity } = options;
    const engine = await Engine.create({
      config,
      head,
      parameters,
      optimizer: options.trained ?? false,
      ...(workers !== undefined && { workers }),
      ...(onActivity && { onActivity }),
    });
    return new Policy(files, engine, head);
  }

  /** Token ids of a conversation, with the generation prompt. */
  encodePrompt(messages: readonly Message[]): number[] {
    return this.tokenizer.encode(this.tokenizer.renderChat([...messages]));
  }

  /** Token ids of a completion that ends by itself. */
  encodeCompletion(text: string): number[] {
    return [...this.tokenizer.encode(text), this.stopId];
  }

  /** Token ids of a whole exchange, as a reward model reads it. */
  encodeResponse(messages: readonly Message[], response: string): number[] {
    return [...this.encodePrompt(messages), ...this.encodeCompletion(response)].slice(0, this.config.maxLength);
  }

  get stopId(): number {
    const [stopId] = this.tokenizer.stopIds;
    if (stopId === undefined) throw new UserError('the tokenizer names no end-of-sequence token; expected eos_token');
    return stopId;
  }

  /** Samples one completion per request, in request order; rollout workers help where there are any. */
  generate(requests: readonly GenerationRequest[]): Promise<Completion[]> {
    return (this.rolloutServer ?? this.engine).generate(requests);
  }

  private shareWith(server: RolloutServer | undefined): void {
    server?.serve({ engine: this.engine, config: this.hfConfig, limits: this.config });
    this.rolloutServer = server;
  }

  train(batch: TrainingBatch, learningRate: number, optimizer: OptimizerSettings): Promise<StepReport> {
    const [beta1 = 0.9, beta2 = 0.95] = optimizer.betas;
    return this.engine.step(batch, { ...optimizer, betas: [beta1, beta2], learningRate });
  }

  /** Makes the present weights the reference. */
  refreshReference(): void {
    this.engine.copyParameters('policy', 'reference');
    this.hasReference = true;
  }

  /**
   * Writes the model and, unless the stage is done, what resuming needs.
   *
   * @param metrics figures of the newest step, or of the finished stage
   * @throws DivergedError if a weight is not finite
   */
  async write(directory: string, final: boolean, metrics: Metrics): Promise<void> {
    this.requireFiniteWeights();
    await this.writeModel(directory);
    await mkdir(join(directory, 'trainer'), { recursive: true });
    const { step, m, v } = this.engine.optimizerState();
    const { templateDigest } = this.tokenizer;
    const state: TrainerState = { optimizerStep: step, hasReference: this.hasReference, metrics, templateDigest };
    await writeFile(join(directory, stateFile), JSON.stringify(state));
    if (final) return;
    const shape = [this.engine.layout.size];
    await writeSafetensors(join(directory, resumeFile), [
      { name: 'm', shape, values: m },
      { name: 'v', shape, values: v },
      ...(this.hasReference ? [{ name: 'reference', shape, values: this.engine.parameterSet('reference') }] : []),
    ]);
  }

  /** The update of the last step has no loss that would show it. */
  private requireFiniteWeights(): void {
    const { parameters, layout } = this.engine;
    const bad = parameters.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return;
    const tensor = layout.tensors.find(({ offset, size }) => bad < offset + size);
    throw new DivergedError(`the tensor ${tensor?.name} holds ${parameters[bad]}; expected finite weights`);
  }

  /** The content of `config.json`. */
  private get hfConfig(): Record<string, unknown> {
    const { stopIds, bosId, padId } = this.tokenizer;
    return toHfConfig(this.config, {
      eosTokenId: stopIds.length === 1 ? this.stopId : [...stopIds],
      ...(bosId !== undefined && { bosTokenId: bosId }),
      padTokenId: padId,
      head: this.head,
    });
  }

  private writeModel(directory: string): Promise<void> {
    const { hfConfig } = this;
    const { layout, parameters } = this.engine;
    return writeModelDirectory(directory, { hfConfig, layout, parameters, tokenizerFrom: this.tokenizerDirectory });
  }

  private async restore(directory: string, state: TrainerState): Promise<void> {
    await using file = await SafetensorsFile.open(join(directory, resumeFile));
    const read = async (name: string): Promise<Float32Array> => {
      const values = new Float32Array(new SharedArrayBuffer(this.engine.layout.size * Float32Array.BYTES_PER_ELEMENT));
      await file.read(name, values);
      return values;
    };
    this.engine.restoreOptimizer({ step: state.optimizerStep, m: await read('m'), v: await read('v') });
    if (!state.hasReference) return;
    this.engine.addParameterSet('reference', await read('reference'));
    this.hasReference = true;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

export interface ResumedPolicy {
  readonly policy: Policy;
  /** Optimizer steps that the weights have behind them in this stage. */
  readonly step: number;
  /** Figures of that step, or of the finished stage. */
  readonly metrics: Metrics;
  /** Set when an earlier attempt had finished all the work. */
  readonly final: { path: string; step: number; digest: string } | undefined;
}

async function readState(checkpoint: string): Promise<TrainerState> {
  return JSON.parse(await readFile(join(checkpoint, stateFile), 'utf8')) as TrainerState;
}

async function readStartingModel(workspace: Workspace, head: Head): Promise<ModelFiles> {
  const { model, out, seed, stage } = workspace.file;
  if (model?.input) return readModel(await workspace.verifyInput(model.input), head, seed);
  if (model?.path) return readModel(model.path, head, seed);
  if (!model?.init) throw new UserError(`stage ${stage}: the stage file names no model to start from`);

  const tokenizerDirectory = join(out, 'tokenizer');
  await writeByteTokenizer(tokenizerDirectory);
  const tokenizer = await loadTokenizer(tokenizerDirectory);
  const config = configFromInit(model.init, tokenizer.vocabularySize);
  const parameters = initialParameters(parameterLayout(config, head), config, seed);
  return { config, tokenizer, tokenizerDirectory, parameters };
}

/** Reads a model directory; a scalar head that it does not have yet starts with its initial weights. */
async function readModel(directory: string, head: Head, seed: number): Promise<ModelFiles> {
  const tokenizer = await loadTokenizer(directory);
  const model = await readModelDirectory(directory);
  const config = parseHfConfig(model.config, join(directory, 'config.json'));
  checkVocabulary(tokenizer, config.vocabularySize, directory);
  const layout = parameterLayout(config, head);
  const parameters =
    head === 'scalar'
      ? await model.readParameters(layout, {
          into: initialParameters(layout, config, seed),
          mayBeMissing: ['score.weight'],
        })
      : await model.readParameters(layout);
  return { config, tokenizer, tokenizerDirectory: directory, parameters };
}
