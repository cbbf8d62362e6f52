import { cacheBlock, decodeProgram, nextTokenProgram } from '../models/programs.ts';
import type { ModelConfig } from '../models/config.ts';
import { packSequences } from '../models/packing.ts';
import { type LayerRuns, tokenTensors } from '../passes/layer-runs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { Bound, Executable } from '../runtime/runtime.ts';
import type { AnyTensor, AnyTensors } from '../runtime/tensor.ts';
import type { KvMemory, KvTensors } from './kv-cache.ts';

/** Tokens, and the blocks of the cache that they are to have. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly blocks: readonly number[];
}

/** The newest token of a sequence, its position, and the sequence's blocks. */
export interface Row {
  readonly token: number;
  readonly position: number;
  readonly blocks: readonly number[];
}

/**
 * Steps sequences token by token: a run of one program is a token of each, and writes its keys and values into the cache.
 *
 * Never fewer than two rows run: a product with one row sums in another order, and sampling would differ from training.
 */
export class Decoder {
  readonly #config: ModelConfig;
  readonly #layers: LayerRuns;
  readonly #parameters: AnyTensors;
  /** What steps and the head read in place of them. */
  readonly #stepParameters: AnyTensors;
  readonly #cache: KvMemory;
  readonly #inverseTemperature: AnyTensor;
  readonly #parts: Readonly<Record<Part, Executable>>;
  #step: BoundStep | undefined;

  private constructor(options: DecoderOptions, parts: Readonly<Record<Part, Executable>>) {
    this.#config = options.config;
    this.#layers = options.layers;
    this.#parameters = options.parameters;
    this.#stepParameters = options.packed ?? options.parameters;
    this.#cache = options.cache;
    const inverse = Float32Array.of(inverseOf(options.temperature));
    this.#inverseTemperature = options.layers.memory.floats('inverse temperature', inverse, [1]);
    this.#parts = parts;
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, programs } = options;
    const packed = options.packed !== undefined;
    const kind = packed ? ' packed' : '';
    return new Decoder(options, {
      step: await programs.get(`decode${kind}`, () => decodeProgram(config, packed)),
      head: await programs.get(`next token${kind}`, () => nextTokenProgram(config, packed)),
    });
  }

  /** Asks for the memory of so many rows before there are as many. */
  reserve(rows: number): void {
    const { memory } = this.#layers;
    memory.tensor('picked rows', [rows, this.#config.hiddenSize]);
    for (const prob of ['prob', 'step prob']) memory.tensor(prob, [rows, this.#config.vocabularySize]);
    this.#longestTable(rows);
  }

  /**
   * Runs prompts through the model and writes their keys and values into the cache.
   *
   * @returns [prompts, V] (two rows for one prompt): the distribution of the token after each prompt, until the next call
   */
  async prefill(prompts: readonly Prompt[]): Promise<AnyTensor> {
    const { memory } = this.#layers;
    const packing = packSequences(prompts.map(({ ids }) => ({ shared: [], own: ids })));
    const tokenOf = (prompt: number, position: number) => packing.places[prompt * packing.length + position] as number;
    const sequences = prompts.map(({ ids, blocks }, row) => ({ start: tokenOf(row, 0), count: ids.length, blocks }));
    const x = await this.#layers.forward(this.#parameters, await tokenTensors(memory, packing), (layer, heads) =>
      this.#cache.write(layer, heads, sequences),
    );
    const last = prompts.map(({ ids }, row) => tokenOf(row, ids.length - 1));
    const picked = last.length === 1 ? [...last, ...last] : last;
    const rows = await memory.indices('picked', picked, [picked.length]);
    return this.#distribution(await memory.pickRows(x, rows));
  }

  /**
   * Feeds a token to each sequence and writes its keys and values into the cache.
   *
   * @returns [rows, V], or two rows for one: the distribution of the next token of each, until the next call
   */
  async step(rows: readonly Row[]): Promise<AnyTensor> {
    const { memory } = this.#layers;
    const columns = tableColumns(Math.max(...rows.map(({ blocks }) => blocks.length)));
    const step = this.#bound(Math.max(2, rows.length), columns);
    const all = Array.from({ length: step.rows }, (_, row): Row => rows[row] ?? { token: 0, position: 0, blocks: [] });
    await memory.writeIndices(
      step.ids,
      all.map(({ token }) => token),
    );
    await memory.writeIndices(
      step.positions,
      all.map(({ position }) => position),
    );
    const table = all.flatMap(({ blocks }) => Array.from({ length: columns }, (_, column) => blocks[column] ?? 0));
    await memory.writeIndices(step.table, table);
    await step.program.run();
    return step.prob;
  }

  /** [M, V]: of the token after each of these states of the last layer, `x` [M, d] */
  async #distribution(x: AnyTensor): Promise<AnyTensor> {
    const inverseTemperature = this.#inverseTemperature;
    const prob = this.#layers.memory.tensor('prob', [...x.dims.slice(0, 1), this.#config.vocabularySize]);
    await this.#parts.head.run({ ...this.#stepParameters, x, inverseTemperature }, { prob });
    return prob;
  }

  /** Lets go of what the steps were bound to. */
  release(): void {
    this.#step?.program.release();
    this.#step = undefined;
  }

  /** The parts of a step for this number of rows and columns, and for the cache as far as it reaches now. */
  #bound(rows: number, columns: number): BoundStep {
    const cache = this.#cache.tensors();
    const step = this.#step;
    if (step?.rows === rows && step.columns === columns && step.cache === cache) return step;
    this.release();
    this.#step = this.#bind(rows, columns, cache);
    return this.#step;
  }

  /** Sequences grow, and memory of a device is asked for once: for the longest that there can be. */
  #longestTable(rows: number): void {
    const columns = tableColumns(Math.ceil(this.#config.maxLength / cacheBlock));
    this.#layers.memory.tensor('step table', [rows, columns], 'int64');
  }

  #bind(rows: number, columns: number, cache: KvTensors): BoundStep {
    const { memory } = this.#layers;
    const ids = memory.tensor('step ids', [rows], 'int64');
    const positions = memory.tensor('step positions', [rows, 1], 'int64');
    this.#longestTable(rows);
    const table = memory.tensor('step table', [rows, columns], 'int64');
    const prob = memory.tensor('step prob', [rows, this.#config.vocabularySize]);
    const program = this.#parts.step.bind(
      {
        ...this.#stepParameters,
        ...ofLayers('keys', cache.keys),
        ...ofLayers('values', cache.values),
        ids,
        positions,
        table,
        inverseTemperature: this.#inverseTemperature,
      },
      { prob, ...ofLayers('next.keys', cache.keys), ...ofLayers('next.values', cache.values) },
    );
    return { rows, columns, cache, ids, positions, table, prob, program };
  }
}

type Part = 'step' | 'head';

/** The program of a step with its memory. */
interface BoundStep {
  readonly rows: number;
  readonly columns: number;
  readonly cache: KvTensors;
  readonly ids: AnyTensor;
  readonly positions: AnyTensor;
  readonly table: AnyTensor;
  readonly prob: AnyTensor;
  readonly program: Bound;
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  readonly programs: ExecutableCache;
  readonly layers: LayerRuns;
  /** By their Hugging Face names. */
  readonly parameters: AnyTensors;
  /** The same with panels in place of those weights that can be (models/panels.ts). */
  readonly packed?: AnyTensors | undefined;
  readonly cache: KvMemory;
  readonly temperature: number;
}

/** A tensor of each layer, by the names that the program of a step has for them. */
function ofLayers(prefix: string, tensors: readonly AnyTensor[]): AnyTensors {
  return Object.fromEntries(tensors.map((tensor, layer) => [`${prefix}.${layer}`, tensor]));
}

/** Columns of a table whose longest row has this many blocks: a few more, as programs are bound to it anew where it changes. */
function tableColumns(blocks: number): number {
  return Math.ceil(blocks / 2) * 2;
}

/** Greedy sampling (temperature 0) reports probabilities at temperature 1. */
export function inverseOf(temperature: number): number {
  return temperature === 0 ? 1 : 1 / temperature;
}
