import type { ModelConfig } from '../../models/config.ts';
import { panelBytes, panelShape } from '../../models/panels.ts';
import { type ParameterLayout, type ParameterTensor, trainedLayout } from '../../models/parameters.ts';
import { panelsProgram } from '../../models/programs.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tensors } from '../../runtime/tensor.ts';
import type { Jobs, ParameterSource } from './protocol.ts';
import { share } from './shared-memory.ts';

/** Fewer rows take the weights from memory as they are at memory's full speed. */
export const fewestPackedRows = 5;

/** Where there is no gradient panels are memory of their own: of a larger model that is a high price for a tenth of the time. */
const mostPanelBytes = 1024 ** 3;

/** Bytes that panels take where nothing is trained: none where weights are read as they are. */
export function ownPanelBytes(config: ModelConfig, layout: ParameterLayout): number {
  const bytes = panelBytes(config, trainedLayout(layout));
  return bytes <= mostPanelBytes ? bytes : 0;
}

/**
 * Weights packed for products of a few rows, where they are generated with again and again. They lie in the memory of the gradient, which nobody
 * reads while completions are generated; where there is none, in memory that is taken when it is first wanted.
 */
export class PanelMemory {
  readonly #take: () => Float32Array;
  #memory: Float32Array | undefined;
  #holds: string | undefined;

  /** @param take memory for as many numbers of the type of panels as are trained */
  constructor(take: () => Float32Array) {
    this.#take = take;
  }

  /** The panels of a set as it is now, which `pack` writes unless they are there. */
  async of(
    { place, version, trained }: ParameterSource,
    pack: (request: Omit<Jobs['pack']['request'], 'worker' | 'workers'>) => Promise<unknown>,
  ): Promise<Float32Array> {
    const panels = (this.#memory ??= this.#take());
    const wanted = `${place}.${version}`;
    if (this.#holds !== wanted) {
      this.#holds = undefined;
      await pack({ weights: trained, panels });
      this.#holds = wanted;
    }
    return panels;
  }

  /** The memory is used for a gradient again. */
  overwrite(): void {
    this.#holds = undefined;
  }
}

/** Panels as a worker reads and writes them, in the places of their tensors in the layout. */
export class PanelRuns {
  readonly #options: PanelOptions;
  #tensors: Tensors | undefined;

  constructor(options: PanelOptions) {
    this.#options = options;
  }

  /** Parameters with panels in place of those weights that can be. They always lie in the same memory. */
  tensors(parameters: Tensors, panels: Float32Array): Tensors {
    return { ...parameters, ...(this.#tensors ??= this.#hold(panels)) };
  }

  #hold(panels: Float32Array): Tensors {
    const tensors = Object.fromEntries(
      this.#packed().map(({ name, type, offset, size, dims }) => [
        name,
        { type, dims, data: panelsAt(panels, type, offset).subarray(0, size) },
      ]),
    );
    this.#options.runtime.hold(tensors);
    return tensors;
  }

  /** A worker's share of each matrix. */
  async pack({ weights, panels, worker, workers }: Jobs['pack']['request']): Promise<void> {
    const { programs } = this.#options;
    for (const { type, offset, size, shape, dims } of this.#packed()) {
      const [count] = dims as [number];
      const { start, end } = share(count, worker, workers);
      if (start === end) continue;
      const from = type === 'bfloat16' ? (weights.rounded as Uint16Array) : weights.values;
      const panel = size / count;
      const of = (dimsOfPanel: readonly number[], data: Float32Array | Uint16Array) => ({
        type,
        dims: [end - start, ...dimsOfPanel],
        data: data.subarray(start * panel, end * panel),
      });
      const inputs = shape[1] as number;
      const rows = of([panel / inputs, inputs], from.subarray(offset));
      // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
      const program = await programs.get(`panels ${type}`, () => panelsProgram(type));
      // oxlint-disable-next-line no-await-in-loop
      await program.run({ weights: rows }, { panels: of(dims.slice(1), panelsAt(panels, type, offset)) });
    }
  }

  #packed() {
    const { config, layout } = this.#options;
    return layout.tensors.flatMap((tensor) => {
      const dims = panelShape(config, tensor);
      return dims === undefined ? [] : [{ ...tensor, dims }];
    });
  }
}

/** What lies in the memory from a number on. All panels of a model are of one type, so that none lie in another's place. */
function panelsAt(memory: Float32Array, type: ParameterTensor['type'], offset: number): Float32Array | Uint16Array {
  if (type === 'float32') return memory.subarray(offset);
  const start = memory.byteOffset + offset * Uint16Array.BYTES_PER_ELEMENT;
  return new Uint16Array(memory.buffer, start, 2 * memory.length - offset);
}

interface PanelOptions {
  readonly config: ModelConfig;
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  readonly runtime: Runtime;
  readonly programs: ExecutableCache;
}
