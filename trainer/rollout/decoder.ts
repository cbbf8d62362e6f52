import { type DecodePart, decodeBinding, decodePrograms } from '../models/programs.ts';
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
 * Steps sequences token by token. One step is cut at the attention of every layer, where the new keys and values are
 * written into the cache:
 *
 *   first ─ k₀ v₀ → cache ─ middle ─ k₁ v₁ → cache ─ middle ─ … ─ last → probabilities
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
  readonly #parts: Readonly<Record<DecodePart, Executable>>;
  /** Parameters by the role that they play: in the first part, and in the part of each layer. */
  readonly #firstRoles: Tensors;
  readonly #layerRoles: readonly Tensors[];
  #step: BoundStep | undefined;

  private constructor(
    { config, layers, heads, parameters, cache, temperature }: DecoderOptions,
    parts: Readonly<Record<DecodePart, Executable>>,
  ) {
    this.#config = config;
    this.#layers = layers;
    this.#heads = heads;
    this.#parameters = parameters;
    this.#cache = cache;
    this.#inverseTemperature = floatTensor(Float32Array.of(inverseOf(temperature)), [1]);
    this.#parts = parts;
    const roles = (part: DecodePart, layer: number): Tensors =>
      Object.fromEntries(
        Object.entries(decodeBinding(config, part, layer)).map(([role, name]) => [role, parameters[name] as Tensor]),
      );
    this.#firstRoles = roles('first', 0);
    this.#layerRoles = Array.from({ length: config.layers }, (_, layer) => roles(partOf(config, layer), layer));
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    let made: ReturnType<typeof decodePrograms> | undefined;
    const part = (name: DecodePart) =>
      options.programs.get(`decode ${name}`, () => (made ??= decodePrograms(options.config))[name]);
    return new Decoder(options, { first: await part('first'), middle: await part('middle'), last: await part('last') });
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
   * @param ids the token of each row, and `positions` where it goes; at least two entries, whatever `count` is
   * @returns [count, V]: the distribution of the next token of each row
   */
  async step(ids: Int32Array, positions: Int32Array, count: number): Promise<Float32Array> {
    const rows = Math.max(2, count);
    const step = this.#bound(rows);
    for (let row = 0; row < rows; row++) {
      step.ids.set(row, ids[row] as number);
      step.position.set(row, positions[row] as number);
    }
    this.#cache.takePositions(positions, rows);
    let outputs = await step.first.run();
    for (const [layer, part] of step.layers.entries()) {
      this.#cache.writeTokens(layer, positions, floats(outputs, 'next.k'), floats(outputs, 'next.v'), rows);
      outputs = await part.run();
    }
    return floats(outputs, 'prob');
  }

  /** Lets go of what the steps were bound to. */
  release(): void {
    this.#step?.first.release();
    for (const layer of this.#step?.layers ?? []) layer.release();
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
    const [ids, position] = [
      new IndexTensor(new Int32Array(rows), [rows]),
      new IndexTensor(new Int32Array(rows), [rows, 1]),
    ];
    const { keys, values, bias } = this.#cache.tensors(rows);
    // What a part hands to the next one lies in turn in one of two places, so that none writes what it reads.
    const handovers = [newHandover(this.#config, rows), newHandover(this.#config, rows)] as const;
    const after = (layer: number): Handover => handovers[(layer & 1) as 0 | 1];
    const first = this.#parts.first.bind({ ...this.#firstRoles, ids: ids.tensor, position: position.tensor }, after(0));
    const layers = this.#layerRoles.map((roles, layer) => {
      const part = partOf(this.#config, layer);
      const { 'next.x': x, 'next.q': q } = after(layer);
      const inputs = {
        x,
        q,
        position: position.tensor,
        keys: keys[layer] as Tensor,
        values: values[layer] as Tensor,
        bias,
      };
      return this.#parts[part].bind(
        { ...roles, ...inputs, inverseTemperature: this.#inverseTemperature },
        part === 'last' ? {} : after(layer + 1),
      );
    });
    return { rows, width, ids, position, first, layers };
  }
}

/** The part that begins with a layer's attention. */
function partOf({ layers }: ModelConfig, layer: number): 'middle' | 'last' {
  return layer === layers - 1 ? 'last' : 'middle';
}

/** The programs of a step with their memory, for one number of rows and one width of the cache. */
interface BoundStep {
  readonly rows: number;
  readonly width: number;
  readonly ids: IndexTensor;
  readonly position: IndexTensor;
  readonly first: Bound;
  /** From each layer's attention on to the next layer's. */
  readonly layers: readonly Bound[];
}

type Handover = ReturnType<typeof newHandover>;

/** What one part of a step hands to the next, and to the cache. */
function newHandover({ hiddenSize, heads, kvHeads, headDim }: ModelConfig, rows: number) {
  return {
    'next.x': zeros('float32', [rows, hiddenSize]),
    'next.q': zeros('float32', [rows, kvHeads, heads / kvHeads, headDim]),
    'next.k': zeros('float32', [rows, kvHeads, headDim]),
    'next.v': zeros('float32', [rows, kvHeads, headDim]),
  };
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
