import type { ParameterLayout } from '../../models/parameters.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { floatTensor, type Tensor, type Tensors } from '../../runtime/tensor.ts';
import type { ParameterSource, Weights } from './protocol.ts';

/** A worker's tensors of the parameter set that it uses, by name. */
export interface ParameterTensors {
  /** They hold what `source` holds until the next call. */
  of(source: ParameterSource): Tensors;
}

/** The shared memory itself: one model for all workers. */
export class SharedParameters implements ParameterTensors {
  readonly #layout: ParameterLayout;
  readonly #runtime: Runtime;
  readonly #sets = new Map<string, HeldSet>();

  constructor(layout: ParameterLayout, runtime: Runtime) {
    this.#layout = layout;
    this.#runtime = runtime;
  }

  of({ name, place, frozen, trained }: ParameterSource): Tensors {
    const known = this.#sets.get(name);
    if (known?.place === place) return known.tensors;
    known?.held.release();
    const tensors = {
      ...programTensors(this.#layout, trained.values, frozen.values),
      ...this.#rounded(frozen, trained),
    };
    this.#sets.set(name, { place, tensors, held: this.#runtime.hold(tensors) });
    return tensors;
  }

  /** Those that programs read in bfloat16. */
  #rounded(frozen: Weights, trained: Weights): Tensors {
    const { tensors, frozen: frozenSize } = this.#layout;
    return Object.fromEntries(
      tensors.flatMap(({ name, shape, offset, size, type }) => {
        const [flat, start] = offset < frozenSize ? [frozen.rounded, offset] : [trained.rounded, offset - frozenSize];
        if (type === 'float32' || flat === undefined) return [];
        return [[name, { type, dims: shape, data: flat.subarray(start, start + size) }]];
      }),
    );
  }
}

interface HeldSet {
  readonly place: number;
  readonly tensors: Tensors;
  readonly held: { release(): void };
}

/**
 * A worker's own copy, for a runtime that takes no shared memory. Copied again when the set has changed or another one is wanted, which
 * is once or twice in a step; a copy of each set would be one model more in the memory of every worker.
 */
export class CopiedParameters implements ParameterTensors {
  readonly #frozen: Float32Array;
  readonly #trained: Float32Array;
  readonly #tensors: Tensors;
  #name = '';
  #version = -1;

  constructor(layout: ParameterLayout) {
    this.#frozen = new Float32Array(layout.frozen);
    this.#trained = new Float32Array(layout.size - layout.frozen);
    this.#tensors = programTensors(layout, this.#trained, this.#frozen);
  }

  of({ name, version, frozen, trained }: ParameterSource): Tensors {
    if (name !== this.#name || version !== this.#version) {
      this.#frozen.set(frozen.values);
      this.#trained.set(trained.values);
      [this.#name, this.#version] = [name, version];
    }
    return this.#tensors;
  }
}

/** As `parameterViews`. The table of the embedding has a name of its own where its rows are read: a head tied to it may read another type. */
export function programTensors(layout: ParameterLayout, trained: Float32Array, frozen?: Float32Array): Tensors {
  const views = parameterViews(layout, trained, frozen);
  return { ...views, embeddings: views['model.embed_tokens.weight'] as Tensor };
}

/**
 * Tensors by name over flat arrays in the order of the layout.
 *
 * @param frozen what the layout has before what is trained; nothing when absent
 */
export function parameterViews(
  layout: ParameterLayout,
  trained: Float32Array,
  frozen: Float32Array = new Float32Array(),
): Tensors {
  return Object.fromEntries(
    layout.tensors.map(({ name, shape, offset, size }) => {
      const [flat, start] = offset < layout.frozen ? [frozen, offset] : [trained, offset - layout.frozen];
      return [name, floatTensor(flat.subarray(start, start + size), shape)];
    }),
  );
}
