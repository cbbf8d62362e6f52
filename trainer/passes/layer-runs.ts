import type { ModelConfig } from '../models/config.ts';
import type { Packing } from '../models/packing.ts';
import { embedProgram, keptShapes, layerParameters, layerProgram } from '../models/programs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { AnyTensor, AnyTensors } from '../runtime/tensor.ts';
import type { PassMemory } from './pass-memory.ts';

/** A list of tokens as inputs of programs: `ids`, `positions`, `places`, `origins`. */
export type TokenTensors = AnyTensors & { readonly ids: AnyTensor };

/** Until the next list. */
export async function tokenTensors(
  memory: PassMemory,
  { ids, positions, places, origins, rows, length }: Packing,
): Promise<TokenTensors> {
  return {
    ids: await memory.indices('ids', ids, [ids.length]),
    positions: await memory.indices('positions', positions, [ids.length, 1]),
    places: await memory.indices('places', places, [rows, length]),
    origins: await memory.indices('origins', origins, [ids.length]),
  };
}

/** Keys and values of tokens in one layer, `[T, kvHeads, headDim]`. */
export interface KvHeads {
  readonly keys: AnyTensor;
  readonly values: AnyTensor;
}

/** Called between two runs; ends the pass by throwing. */
export type ThrowIfUnwanted = () => void;

/** Runs a model's layers over lists of tokens, in one thread: the same programs for every layer. */
export class LayerRuns {
  readonly memory: PassMemory;
  readonly #config: ModelConfig;
  readonly #programs: ExecutableCache;
  readonly #roles: readonly string[];
  readonly #throwIfUnwanted: ThrowIfUnwanted;
  readonly #layers = new WeakMap<AnyTensors, readonly AnyTensors[]>();

  constructor(
    config: ModelConfig,
    programs: ExecutableCache,
    memory: PassMemory,
    throwIfUnwanted: ThrowIfUnwanted = () => undefined,
  ) {
    this.memory = memory;
    this.#config = config;
    this.#programs = programs;
    this.#roles = layerParameters(config).map(({ name }) => name);
    this.#throwIfUnwanted = throwIfUnwanted;
  }

  /**
   * The residual stream after the last layer, `[T, d]`, until the next pass.
   *
   * @param parameters by their Hugging Face names
   * @param onLayer what a layer's keys and values are, `[T, kvHeads, headDim]`, until the next layer
   */
  async forward(
    parameters: AnyTensors,
    tokens: TokenTensors,
    onLayer: (layer: number, heads: KvHeads) => Promise<void> = async () => undefined,
  ): Promise<AnyTensor> {
    const [length] = tokens.ids.dims as [number];
    const [streams, kept] = this.#forwardRoom(length);
    let x = await this.embed(parameters, tokens, streams[0]);
    for (let layer = 0; layer < this.#config.layers; layer++) {
      const y = streams[((layer + 1) & 1) as 0 | 1];
      await onLayer(layer, await this.layer(layer, parameters, tokens, x, y, kept));
      x = y;
    }
    return x;
  }

  /** The first residual stream. */
  async embed(parameters: AnyTensors, tokens: TokenTensors, x: AnyTensor): Promise<AnyTensor> {
    const program = await this.#programs.get('embed', () => embedProgram(this.#config));
    await program.run({ ...parameters, ids: tokens.ids }, { x });
    return x;
  }

  /**
   * Runs one layer from `x` to `y`.
   *
   * @param kept where it leaves what its way back starts from
   */
  async layer(
    layer: number,
    parameters: AnyTensors,
    tokens: TokenTensors,
    x: AnyTensor,
    y: AnyTensor,
    kept: AnyTensors,
  ): Promise<KvHeads> {
    this.#throwIfUnwanted();
    const { attentionOp = 'Attention' } = this.#config;
    const program = await this.#programs.get(`layer ${attentionOp}`, () => layerProgram(this.#config));
    const heads = this.#heads(tokens.ids.dims[0] as number);
    await program.run({ ...this.ofLayer(layer, parameters), ...tokens, x }, { y, ...heads, ...kept });
    return heads;
  }

  /** A layer's parameters under the names that its programs have for them. */
  ofLayer(layer: number, parameters: AnyTensors): AnyTensors {
    let layers = this.#layers.get(parameters);
    if (layers === undefined) {
      layers = Array.from({ length: this.#config.layers }, (_, index) =>
        Object.fromEntries(this.#roles.map((role) => [role, parameters[`model.layers.${index}.${role}`] as AnyTensor])),
      );
      this.#layers.set(parameters, layers);
    }
    return layers[layer] as AnyTensors;
  }

  /** Asks for the memory of a way forward of so many tokens before there is one. */
  reserve(tokens: number): void {
    this.#forwardRoom(tokens);
    this.#heads(tokens);
  }

  #forwardRoom(tokens: number): readonly [streams: readonly [AnyTensor, AnyTensor], kept: AnyTensors] {
    const streams = this.streams('streams', 2, tokens) as [AnyTensor, AnyTensor];
    const [kept] = this.kept(1, tokens) as [AnyTensors];
    return [streams, kept];
  }

  #heads(tokens: number): KvHeads {
    const { kvHeads, headDim } = this.#config;
    const dims = [tokens, kvHeads, headDim];
    return { keys: this.memory.tensor('keys', dims), values: this.memory.tensor('values', dims) };
  }

  /** Room for residual streams. */
  streams(name: string, count: number, tokens: number): AnyTensor[] {
    return this.memory.tensors(name, count, [tokens, this.#config.hiddenSize]);
  }

  /** Room for what some layers keep. */
  kept(layers: number, tokens: number): AnyTensors[] {
    const roles = Object.entries(keptShapes(this.#config)).map(([role, shape]) => {
      const name = `kept.${role}`;
      return { name, tensors: this.memory.tensors(name, layers, [tokens, ...shape]) };
    });
    return Array.from({ length: layers }, (_, layer) =>
      Object.fromEntries(roles.map(({ name, tensors }) => [name, tensors[layer] as AnyTensor])),
    );
  }
}
