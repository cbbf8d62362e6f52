import type { AskedFigure } from '../../passes/head-runs.ts';
import { availableParallelism } from 'node:os';
import type { Head, ModelConfig } from '../../models/config.ts';
import { panelBytes } from '../../models/panels.ts';
import { type ParameterLayout, parameterLayout, trainedLayout } from '../../models/parameters.ts';
import type { AdamWSettings } from '../../optim/adamw.ts';
import type { Claims } from '../../rollout/claims.ts';
import { chooseRuntime } from '../../runtime/open-runtime.ts';
import type { RuntimeName } from '../../runtime/runtime.ts';
import type { LiveEvent } from '../../rollout/live/generate-live.ts';
import type { Backend, Gradient, LiveThread, Moments, OnCompletion, WriteMoments } from '../backend.ts';
import type { Part, TrainingPart } from '../batches.ts';
import type { GenerationPlan, LivePlan } from '../generation-plan.ts';
import type { ScoredSequence, TokenSequence } from '../sequences.ts';
import { ParameterSets } from './parameter-sets.ts';
import { EmbeddingRowsMemory } from './embedding-rows.ts';
import type { OptimizerMemory, ParameterSource } from './protocol.ts';
import { optimizerMemory, share, sharedFloats } from './shared-memory.ts';
import { fewestPackedRows, ownPanelBytes, PanelMemory } from './panels.ts';
import { WorkerPool } from './worker-pool.ts';
import { sharedWord } from '../../runtime/shared-word.ts';

interface ThreadOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** One per core when absent. */
  readonly workers?: number | undefined;
  /** Makes room for training: gradient and moments. */
  readonly optimizer: boolean;
  /** Called whenever a worker has done something. */
  readonly onActivity: () => void;
}

/** Worker threads that share one set of parameters, gradient and moments in memory. */
export class ThreadBackend implements Backend {
  readonly parameters: ParameterSets;
  readonly #trainedSize: number;
  readonly #pool: WorkerPool;
  readonly #optimizer: OptimizerMemory | undefined;
  readonly #embeddingRows: EmbeddingRowsMemory;
  readonly #panels: PanelMemory | undefined;

  private constructor(
    { config, optimizer }: ThreadOptions,
    layout: ParameterLayout,
    pool: WorkerPool,
    runtime: RuntimeName,
  ) {
    this.#embeddingRows = new EmbeddingRowsMemory(config);
    const trained = trainedLayout(layout);
    this.#trainedSize = trained.size;
    this.#pool = pool;
    this.parameters = new ParameterSets(layout, runtime !== 'stock');
    this.#optimizer = optimizer ? optimizerMemory(trained) : undefined;
    const packs = runtime === 'ops' && (optimizer ? panelBytes(config, trained) : ownPanelBytes(config, layout)) > 0;
    this.#panels = packs ? new PanelMemory(() => this.#optimizer?.gradient ?? panelFloats(config, trained)) : undefined;
  }

  static async start(options: ThreadOptions): Promise<ThreadBackend> {
    const { config, head, workers, onActivity } = options;
    const settings = { config, head, runtime: chooseRuntime().name };
    const pool = await WorkerPool.start(workers ?? availableParallelism(), settings, onActivity);
    return new ThreadBackend(options, parameterLayout(config, head), pool, settings.runtime);
  }

  get workers(): number {
    return this.#pool.size;
  }

  async generate(plan: GenerationPlan, set: string, claims: Claims, onCompletion: OnCompletion): Promise<void> {
    const source = await this.#source(set);
    const queue = sharedWord();
    const panels = plan.rows < fewestPackedRows ? undefined : await this.#packed(source);
    await this.#pool.each('generate', () => ({ ...plan, source, panels, queue, claims }), onCompletion);
  }

  async generateLive(plan: LivePlan, set: string, onEvent: (event: LiveEvent) => void): Promise<LiveThread[]> {
    const source = await this.#source(set);
    const panels = plan.rows < fewestPackedRows ? undefined : await this.#packed(source);
    return this.#pool.live({ ...plan, source, panels }, onEvent);
  }

  async tokenFigures(parts: readonly Part<TokenSequence>[], set: string, asked: AskedFigure) {
    const source = await this.#source(set);
    const requests = parts.map(({ sequences }) => ({ source, sequences, asked }));
    return this.#pool.all('tokenFigures', requests);
  }

  async scores(parts: readonly Part<ScoredSequence>[], set: string) {
    const source = await this.#source(set);
    const requests = parts.map(({ sequences }) => ({ source, sequences }));
    return this.#pool.all('scores', requests);
  }

  async gradient(parts: readonly TrainingPart[]): Promise<Gradient> {
    const memory = this.#memory();
    const source = await this.#source('policy');
    this.#panels?.overwrite();
    this.#pool.resetTurns();
    const embedding = this.#embeddingRows.of(parts);
    const requests = parts.map(({ batch }, index) => ({
      source,
      memory,
      embedding,
      index,
      last: index === parts.length - 1,
      batch,
    }));
    const results = await this.#pool.all('gradient', requests);
    await this.#pool.each('squares', (worker) => {
      return { memory, range: share(memory.squares.length, worker, this.#pool.size) };
    });
    return { results, norm: Math.sqrt(memory.squares.reduce((sum, square) => sum + square, 0)) };
  }

  async update(settings: AdamWSettings, step: number, gradientScale: number): Promise<void> {
    const memory = this.#memory();
    const parameters = this.parameters.changing('policy');
    await this.#pool.each('update', (worker) => {
      const range = share(this.#trainedSize, worker, this.#pool.size);
      return { memory, parameters, range, settings, step, gradientScale };
    });
  }

  async readMoments(): Promise<Moments> {
    return this.#memory();
  }

  async writeMoments(write: WriteMoments): Promise<void> {
    await write(this.#memory());
  }

  abandon(): void {
    this.#pool.abandon();
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** A set as workers read it, once what is read in bfloat16 has been rounded anew. */
  async #source(set: string): Promise<ParameterSource> {
    for (const { done, ...unrounded } of this.parameters.unrounded(set)) {
      const size = unrounded.values.length;
      // oxlint-disable-next-line no-await-in-loop -- each takes all workers
      await this.#pool.each('round', (worker) => ({ ...unrounded, range: share(size, worker, this.#pool.size) }));
      done();
    }
    return this.parameters.source(set);
  }

  /** Its weights as panels, where some can lie in them. */
  async #packed(source: ParameterSource): Promise<Float32Array | undefined> {
    const workers = this.#pool.size;
    return this.#panels?.of(source, async (request) =>
      this.#pool.each('pack', (worker) => ({ ...request, worker, workers })),
    );
  }

  #memory(): OptimizerMemory {
    if (this.#optimizer === undefined) throw new Error('this engine was created without an optimizer');
    return this.#optimizer;
  }
}

/** Memory for panels in the precision of the model's products. */
function panelFloats({ precision }: ModelConfig, { size }: ParameterLayout): Float32Array {
  return sharedFloats(precision === 'bf16' ? Math.ceil(size / 2) : size);
}
