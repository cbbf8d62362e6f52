import { decodeProgram, embedProgram, nextTokenProgram } from '../models/programs.ts';
import type { ModelConfig } from '../models/config.ts';
import { packSequences } from '../models/packing.ts';
import type { HeadRuns } from '../passes/head-runs.ts';
import { type LayerRuns, tokenTensors } from '../passes/layer-runs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { Bound, Executable } from '../runtime/runtime.ts';
import { floats, floatTensor, IndexTensor, type Tensor, type Tensors, zeros } from '../runtime/tensor.ts';
import type { KvCache } from './kv-cache.ts';

/** Keys and values of prompts, per layer [prompts, kvHeads, length, headDim]. */
export interface Prefill {
  /** [prompts, V] (two rows for one prompt): the distribution of the token after each prompt. */
  readonly probs: Float32Array;
  readonly length: number;
  readonly layers: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
}

/**
 * Steps sequences token by token: the embedding, the same program for every layer, and the head. A layer's program writes the new keys and
 * values into the cache.
 *
 * Never fewer than two rows run: a product with one row sums in another order, and sampling would differ from training.
 */
export class Decoder {
  readonly #config: ModelConfig;
  readonly #layers: LayerRuns;
  readonly #heads: HeadRuns;
  readonly #parameters: Tensors;
  readonly #cache: KvCache;
  readonly #inverseTemperature: Tensor;
  readonly #parts: Readonly<Record<Part, Executable>>;
  #step: BoundStep | undefined;

  private constructor(options: DecoderOptions, parts: Readonly<Record<Part, Executable>>) {
    this.#config = options.config;
    this.#layers = options.layers;
    this.#heads = options.heads;
    this.#parameters = options.parameters;
    this.#cache = options.cache;
    this.#inverseTemperature = floatTensor(Float32Array.of(inverseOf(options.temperature)), [1]);
    this.#parts = parts;
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    const { config, programs } = options;
    return new Decoder(options, {
      embed: await programs.get('embed', () => embedProgram(config)),
      layer: await programs.get('decode', () => decodeProgram(config)),
      head: await programs.get('next token', () => nextTokenProgram(config)),
    });
  }

  get vocabularySize(): number {
    return this.#config.vocabularySize;
  }

  /** @param length positions of the keys and values, at least those of the longest prompt */
  async prefill(prompts: readonly (readonly number[])[], length: number): Promise<Prefill> {
    const packing = packSequences(prompts.map((own) => ({ shared: [], own })));
    const tokenOf = (prompt: number, position: number) => packing.places[prompt * packing.length + position] as number;
    const layers: Prefill['layers'][number][] = [];
    const x = await this.#layers.forward(this.#parameters, tokenTensors(packing), (_, keys, values) => {
      const starts = prompts.map((prompt, row) => ({ start: tokenOf(row, 0), count: prompt.length }));
      layers.push({ keys: this.#byHead(keys, starts, length), values: this.#byHead(values, starts, length) });
    });
    const last = prompts.map((prompt, row) => tokenOf(row, prompt.length - 1));
    const picked = last.length === 1 ? [...last, ...last] : last;
    const probs = await this.#heads.nextTokens(this.#parameters, x, picked, this.#inverseTemperature);
    return { probs, length, layers };
  }

  /** From `[T, kvHeads, headDim]` to `[prompts, kvHeads, length, headDim]`. */
  #byHead(tokens: Float32Array, prompts: readonly { start: number; count: number }[], length: number): Float32Array {
    const { kvHeads, headDim } = this.#config;
    const result = new Float32Array(prompts.length * kvHeads * length * headDim);
    for (const [row, { start, count }] of prompts.entries()) {
      for (let position = 0; position < count; position++) {
        for (let head = 0; head < kvHeads; head++) {
          const from = ((start + position) * kvHeads + head) * headDim;
          result.set(tokens.subarray(from, from + headDim), ((row * kvHeads + head) * length + position) * headDim);
        }
      }
    }
    return result;
  }

  /**
   * Feeds one token to each of the first `count` rows of the cache and writes its keys and values there.
   *
   * @param ids the token of each row, and `positions` where it goes
   * @returns [count, V]: the distribution of the next token of each row
   */
  async step(ids: Int32Array, positions: Int32Array, count: number): Promise<Float32Array> {
    const rows = Math.max(2, count);
    const step = this.#bound(rows);
    for (let row = 0; row < rows; row++) {
      step.ids.set(row, row < count ? (ids[row] as number) : 0);
      step.positions.set(row, row < count ? (positions[row] as number) : 0);
    }
    for (const part of step.before) await part.run(); // oxlint-disable-line no-await-in-loop -- each reads what the one before wrote
    return floats(await step.head.run(), 'prob');
  }

  /** Lets go of what the steps were bound to. */
  release(): void {
    for (const part of this.#step?.before ?? []) part.release();
    this.#step?.head.release();
    this.#step = undefined;
  }

  /** The parts of a step for this number of rows and the cache's width. */
  #bound(rows: number): BoundStep {
    const { width } = this.#cache;
    if (this.#step?.rows === rows && this.#step.width === width) return this.#step;
    this.release();
    this.#step = this.#bind(rows, width);
    return this.#step;
  }

  #bind(rows: number, width: number): BoundStep {
    const ids = new IndexTensor(new Int32Array(rows), [rows]);
    const positions = new IndexTensor(new Int32Array(rows), [rows, 1]);
    const { keys, values } = this.#cache.tensors(rows);
    // The residual stream lies in turn in one of two places, so that no part writes what it reads.
    const stream = () => zeros('float32', [rows, this.#config.hiddenSize]);
    const streams = [stream(), stream()] as const;
    const after = (layer: number): Tensor => streams[((layer + 1) & 1) as 0 | 1];
    const { embed, layer, head } = this.#parts;
    const layers = Array.from({ length: this.#config.layers }, (_, index) => {
      const cache = { keys: keys[index] as Tensor, values: values[index] as Tensor };
      return layer.bind(
        {
          ...this.#layers.ofLayer(index, this.#parameters),
          ...cache,
          x: after(index - 1),
          positions: positions.tensor,
        },
        { y: after(index), 'next.keys': cache.keys, 'next.values': cache.values },
      );
    });
    const last = after(this.#config.layers - 1);
    return {
      rows,
      width,
      ids,
      positions,
      before: [embed.bind({ ...this.#parameters, ids: ids.tensor }, { x: after(-1) }), ...layers],
      head: head.bind({ ...this.#parameters, x: last, inverseTemperature: this.#inverseTemperature }),
    };
  }
}

type Part = 'embed' | 'layer' | 'head';

/** The programs of a step with their memory, for one number of rows and one width of the cache. */
interface BoundStep {
  readonly rows: number;
  readonly width: number;
  readonly ids: IndexTensor;
  readonly positions: IndexTensor;
  /** The embedding and the layers, in their order. */
  readonly before: readonly Bound[];
  readonly head: Bound;
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  readonly programs: ExecutableCache;
  readonly layers: LayerRuns;
  readonly heads: HeadRuns;
  /** By their Hugging Face names. */
  readonly parameters: Tensors;
  /** With room for the rows; sequences are put there by the caller. */
  readonly cache: KvCache;
  readonly temperature: number;
}

/** Greedy sampling (temperature 0) reports probabilities at temperature 1. */
export function inverseOf(temperature: number): number {
  return temperature === 0 ? 1 : 1 / temperature;
}
