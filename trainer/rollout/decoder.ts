import { decodeBinding, decodePrograms, prefillProgram } from '../models/programs.ts';
import type { ModelConfig } from '../models/config.ts';
import type { SessionCache } from '../runtime/session-cache.ts';
import type { Feeds, Outputs, Session } from '../runtime/session.ts';
import { floats, floatTensor, indexTensor, IndexTensor } from '../runtime/tensor.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { KvCache } from './kv-cache.ts';

/** Parameter tensors by their Hugging Face names. */
export type Parameters = Readonly<Record<string, Tensor>>;

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
  readonly #sessions: SessionCache;
  readonly #parameters: Parameters;
  readonly #cache: KvCache;
  readonly #inverseTemperature: Tensor;
  readonly #first: Session;
  readonly #middle: Session;
  readonly #last: Session;
  readonly #firstFeeds: Record<string, Tensor>;
  readonly #layerFeeds: Record<string, Tensor>[];
  #ids = new IndexTensor([], [0]);
  #position = new IndexTensor([], [0, 1]);
  #rows = 0;
  #width = 0;

  private constructor(
    { config, sessions, parameters, cache, temperature }: DecoderOptions,
    [first, middle, last]: readonly [Session, Session, Session],
  ) {
    this.#config = config;
    this.#sessions = sessions;
    this.#parameters = parameters;
    this.#cache = cache;
    this.#inverseTemperature = floatTensor(Float32Array.of(inverseOf(temperature)), [1]);
    [this.#first, this.#middle, this.#last] = [first, middle, last];
    const bind = (binding: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(binding).map(([input, name]) => [input, parameters[name] as Tensor]));
    const lastLayer = config.layers - 1;
    this.#firstFeeds = bind(decodeBinding(config, 'first', 0));
    this.#layerFeeds = Array.from({ length: config.layers }, (_, layer) =>
      bind(decodeBinding(config, layer === lastLayer ? 'last' : 'middle', layer)),
    );
    Object.assign(this.#layerFeeds[lastLayer] as Feeds, { inverseTemperature: this.#inverseTemperature });
  }

  static async create(options: DecoderOptions): Promise<Decoder> {
    let programs: ReturnType<typeof decodePrograms> | undefined;
    const part = (name: 'first' | 'middle' | 'last') =>
      options.sessions.get(`decode ${name}`, () => (programs ??= decodePrograms(options.config))[name]);
    return new Decoder(options, [await part('first'), await part('middle'), await part('last')]);
  }

  get vocabularySize(): number {
    return this.#config.vocabularySize;
  }

  /** @param length positions the prompts are padded to, at least that of the longest */
  async prefill(prompts: readonly (readonly number[])[], length: number): Promise<Prefill> {
    const rows = Math.max(2, prompts.length);
    const ids = new Int32Array(rows * length);
    const last = new Int32Array(rows);
    prompts.forEach((prompt, row) => {
      ids.set(prompt, row * length);
      last[row] = row * length + prompt.length - 1;
    });
    const session = await this.#sessions.get(`prefill ${length}`, () => prefillProgram(this.#config, length));
    const outputs: Outputs = await session.run({
      ...this.#parameters,
      ids: indexTensor(ids, [rows, length]),
      last: indexTensor(last, [rows]),
      inverseTemperature: this.#inverseTemperature,
    });
    const layers = Array.from({ length: this.#config.layers }, (_, layer) => ({
      keys: floats(outputs, `key.${layer}`),
      values: floats(outputs, `value.${layer}`),
    }));
    return { probs: floats(outputs, 'prob'), length, layers };
  }

  /**
   * Feeds one token to each of the first `count` rows of the cache and writes its keys and values there.
   *
   * @param ids the token of each row, and `positions` where it goes; at least two entries, whatever `count` is
   * @returns [count, V]: the distribution of the next token of each row
   */
  async step(ids: Int32Array, positions: Int32Array, count: number): Promise<Float32Array> {
    const rows = Math.max(2, count);
    this.#bind(rows);
    for (let row = 0; row < rows; row++) {
      this.#ids.set(row, ids[row] as number);
      this.#position.set(row, positions[row] as number);
    }
    this.#cache.takePositions(positions, rows);
    let outputs: Outputs = await this.#first.run(this.#firstFeeds);
    for (const [layer, feeds] of this.#layerFeeds.entries()) {
      this.#cache.writeTokens(layer, positions, floats(outputs, 'next.k'), floats(outputs, 'next.v'), rows);
      feeds['x'] = outputs['next.x'] as Tensor;
      feeds['q'] = outputs['next.q'] as Tensor;
      outputs = await (layer < this.#config.layers - 1 ? this.#middle : this.#last).run(feeds);
    }
    return floats(outputs, 'prob');
  }

  /** Makes the input tensors for this number of rows and the cache's width, unless they are there. */
  #bind(rows: number): void {
    if (rows === this.#rows && this.#cache.width === this.#width) return;
    if (rows !== this.#rows) {
      this.#ids = new IndexTensor(new Int32Array(rows), [rows]);
      this.#position = new IndexTensor(new Int32Array(rows), [rows, 1]);
    }
    [this.#rows, this.#width] = [rows, this.#cache.width];
    const { keys, values, bias } = this.#cache.tensors(rows);
    Object.assign(this.#firstFeeds, { ids: this.#ids.tensor, position: this.#position.tensor });
    for (const [layer, feeds] of this.#layerFeeds.entries()) {
      Object.assign(feeds, { position: this.#position.tensor, keys: keys[layer], values: values[layer], bias });
    }
  }
}

export interface DecoderOptions {
  readonly config: ModelConfig;
  readonly sessions: SessionCache;
  readonly parameters: Parameters;
  /** With room for the rows; sequences are put there by the caller. */
  readonly cache: KvCache;
  readonly temperature: number;
}

/** Greedy sampling (temperature 0) reports probabilities at temperature 1. */
export function inverseOf(temperature: number): number {
  return temperature === 0 ? 1 : 1 / temperature;
}
