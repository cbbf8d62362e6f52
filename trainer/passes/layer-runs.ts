import type { ModelConfig } from '../models/config.ts';
import type { Packing } from '../models/packing.ts';
import { embedProgram, keptShapes, layerParameters, layerProgram } from '../models/programs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import { floats, indexTensor, type Tensor, type Tensors } from '../runtime/tensor.ts';
import { Scratch } from './scratch.ts';

/** A list of tokens as inputs of programs: `ids`, `positions`, `places`, `origins`. */
export type TokenTensors = Tensors & { readonly ids: Tensor };

export function tokenTensors({ ids, positions, places, origins, rows, length }: Packing): TokenTensors {
  return {
    ids: indexTensor(ids, [ids.length]),
    positions: indexTensor(positions, [ids.length, 1]),
    places: indexTensor(places, [rows, length]),
    origins: indexTensor(origins, [ids.length]),
  };
}

/** Called between two runs; ends the pass by throwing. */
export type ThrowIfUnwanted = () => void;

/** Runs a model's layers over lists of tokens, in one thread: the same programs for every layer. */
export class LayerRuns {
  readonly scratch = new Scratch();
  readonly #config: ModelConfig;
  readonly #programs: ExecutableCache;
  readonly #roles: readonly string[];
  readonly #throwIfUnwanted: ThrowIfUnwanted;
  readonly #layers = new WeakMap<Tensors, readonly Tensors[]>();

  constructor(config: ModelConfig, programs: ExecutableCache, throwIfUnwanted: ThrowIfUnwanted = () => undefined) {
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
    parameters: Tensors,
    tokens: TokenTensors,
    onLayer: (layer: number, keys: Float32Array, values: Float32Array) => void = () => undefined,
  ): Promise<Tensor> {
    const { length } = tokens.ids.data;
    const streams = this.streams('streams', 2, length) as [Tensor, Tensor];
    const [kept] = this.kept(1, length) as [Tensors];
    let x = await this.embed(parameters, tokens, streams[0]);
    for (let layer = 0; layer < this.#config.layers; layer++) {
      const y = streams[((layer + 1) & 1) as 0 | 1];
      const outputs = await this.layer(layer, parameters, tokens, x, y, kept);
      onLayer(layer, floats(outputs, 'keys'), floats(outputs, 'values'));
      x = y;
    }
    return x;
  }

  /** The first residual stream. */
  async embed(parameters: Tensors, tokens: TokenTensors, x: Tensor): Promise<Tensor> {
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
    parameters: Tensors,
    tokens: TokenTensors,
    x: Tensor,
    y: Tensor,
    kept: Tensors,
  ): Promise<Tensors> {
    this.#throwIfUnwanted();
    const program = await this.#programs.get('layer', () => layerProgram(this.#config));
    const { kvHeads, headDim } = this.#config;
    const dims = [tokens.ids.data.length, kvHeads, headDim];
    const heads = { keys: this.scratch.tensor('keys', dims), values: this.scratch.tensor('values', dims) };
    return program.run({ ...this.ofLayer(layer, parameters), ...tokens, x }, { y, ...heads, ...kept });
  }

  /** A layer's parameters under the names that its programs have for them. */
  ofLayer(layer: number, parameters: Tensors): Tensors {
    let layers = this.#layers.get(parameters);
    if (layers === undefined) {
      layers = Array.from({ length: this.#config.layers }, (_, index) =>
        Object.fromEntries(this.#roles.map((role) => [role, parameters[`model.layers.${index}.${role}`] as Tensor])),
      );
      this.#layers.set(parameters, layers);
    }
    return layers[layer] as Tensors;
  }

  /** Room for residual streams. */
  streams(name: string, count: number, tokens: number): Tensor[] {
    return this.scratch.tensors(name, count, [tokens, this.#config.hiddenSize]);
  }

  /** Room for what some layers keep. */
  kept(layers: number, tokens: number): Tensors[] {
    const roles = Object.entries(keptShapes(this.#config)).map(([role, shape]) => {
      const name = `kept.${role}`;
      return { name, tensors: this.scratch.tensors(name, layers, [tokens, ...shape]) };
    });
    return Array.from({ length: layers }, (_, layer) =>
      Object.fromEntries(roles.map(({ name, tensors }) => [name, tensors[layer] as Tensor])),
    );
  }
}
