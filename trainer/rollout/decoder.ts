import { decodeProgram, nextTokenProgram } from '../models/programs.ts';
import type { ModelConfig } from '../models/config.ts';
import { packSequences } from '../models/packing.ts';
import { pickRows } from '../passes/head-runs.ts';
import { type LayerRuns, tokenTensors } from '../passes/layer-runs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { Bound, Executable } from '../runtime/runtime.ts';
import { floats, floatTensor, IndexTensor, type Tensor, type Tensors } from '../runtime/tensor.ts';
import type { KvCache, KvTensors } from './kv-cache.ts';

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
  readonly #parameters: Tensors;
  /** What steps and the head read in place of them. */
  readonly #stepParameters: Tensors;
  readonly #cache: KvCache;
  readonly #inverseTemperature: Tensor;
  readonly #parts: Readonly<Record<Part, Executable>>;
  #step: BoundStep | undefined;

  private constructor(options: DecoderOptions, parts: Readonly<Record<Part, Executable>>) {
    this.#config = options.config;
    this.#layers = options.layers;
    this.#parameters = options.parameters;
    this.#stepParameters = options.packed ?? options.parameters;
    this.#cache = options.cache;
    this.#inverseTemperature = floatTensor(Float32Array.of(inverseOf(options.temperature)), [1]);
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

  get vocabularySize(): number {
    return this.#config.vocabularySize;
  }

  /**
   * Runs prompts through the model and writes their keys and values into the cache.
   *
   * @returns [prompts, V] (two rows for one prompt): the distribution of the token after each prompt
   */
  async prefill(prompts: readonly Prompt[]): Promise<Float32Array> {
    const packing = packSequences(prompts.map(({ ids }) => ({ shared: [], own: ids })));
    const tokenOf = (prompt: number, position: number) => packing.places[prompt * packing.length + position] as number;
    const x = await this.#layers.forward(this.#parameters, tokenTensors(packing), (layer, keys, values) => {
      for (const [row, { ids, blocks }] of prompts.entries()) {
        this.#cache.write(layer, blocks, { keys, values }, { start: tokenOf(row, 0), count: ids.length });
      }
    });
    const last = prompts.map(({ ids }, row) => tokenOf(row, ids.length - 1));
    const picked = last.length === 1 ? [...last, ...last] : last;
    return this.#distribution(pickRows(x, picked, { start: 0, end: picked.length }));
  }

  /**
   * Feeds a token to each sequence and writes its keys and values into the cache.
   *
   * @returns [rows, V]: the distribution of the next token of each
   */
  async step(rows: readonly Row[]): Promise<Float32Array> {
    const columns = tableColumns(Math.max(...rows.map(({ blocks }) => blocks.length)));
    const step = this.#bound(Math.max(2, rows.length), columns);
    for (let row = 0; row < step.rows; row++) {
      const { token = 0, position = 0, blocks = [] }: Partial<Row> = rows[row] ?? {};
      step.ids.set(row, token);
      step.positions.set(row, position);
      for (let column = 0; column < columns; column++) step.table.set(row * columns + column, blocks[column] ?? 0);
    }
    return floats(await step.program.run(), 'prob');
  }

  /** [M, V]: of the token after each of these states of the last layer, `x` [M, d] */
  async #distribution(x: Tensor): Promise<Float32Array> {
    const inverseTemperature = this.#inverseTemperature;
    return floats(await this.#parts.head.run({ ...this.#stepParameters, x, inverseTemperature }), 'prob');
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

  #bind(rows: number, columns: number, cache: KvTensors): BoundStep {
    const ids = new IndexTensor(new Int32Array(rows), [rows]);
    const positions = new IndexTensor(new Int32Array(rows), [rows, 1]);
    const table = new IndexTensor(new Int32Array(rows * columns), [rows, columns]);
    const program = this.#parts.step.bind(
      {
        ...this.#stepParameters,
        ...ofLayers('keys', cache.keys),
        ...ofLayers('values', cache.values),
        ids: ids.tensor,
        positions: positions.tensor,
        table: table.tensor,
        inverseTemperature: this.#inverseTemperature,
      },
      { ...ofLayers('next.keys', cache.keys), ...ofLayers('next.values', cache.values) },
    );
    return { rows, columns, cache, ids, positions, table, program };
  }
}

type Part = 'step' | 'head';

/** The program of a step with its memory. */
interface BoundStep {
  readonly rows: number;
  readonly columns: number;
  readonly cache: KvTensors;
  readonly ids: IndexTensor;
  readonly positions: IndexTensor;
  readonly table: IndexTensor;
  readonly program: Bound;
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  readonly programs: ExecutableCache;
  readonly layers: LayerRuns;
  /** By their Hugging Face names. */
  readonly parameters: Tensors;
  /** The same with panels in place of those weights that can be (models/panels.ts). */
  readonly packed?: Tensors | undefined;
  readonly cache: KvCache;
  readonly temperature: number;
}

/** A tensor of each layer, by the names that the program of a step has for them. */
function ofLayers(prefix: string, tensors: readonly Tensor[]): Tensors {
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
