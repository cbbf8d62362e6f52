import type { ModelConfig } from '../../models/config.ts';
import { panelShape } from '../../models/panels.ts';
import type { ParameterLayout } from '../../models/parameters.ts';
import { panelsProgram } from '../../models/programs.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { floatTensor, type Tensors } from '../../runtime/tensor.ts';
import type { Jobs, ParameterSource } from './protocol.ts';
import { share } from './shared-memory.ts';

/** Fewer rows take the weights from memory as they are at memory's full speed. */
export const fewestPackedRows = 5;

/** Something of what is trained can lie in panels. */
export function canBePacked(config: ModelConfig, { tensors }: ParameterLayout): boolean {
  return tensors.some((tensor) => panelShape(config, tensor) !== undefined);
}

/**
 * Weights packed for products of a few rows, where they are generated with again and again. They lie in the memory of the gradient: nobody
 * reads one while completions are generated.
 */
export class PanelMemory {
  readonly #gradient: Float32Array;
  #holds: string | undefined;

  constructor(gradient: Float32Array) {
    this.#gradient = gradient;
  }

  /** The panels of a set as it is now, which `pack` writes unless they are there. */
  async of(
    { place, version, trained }: ParameterSource,
    pack: (request: Omit<Jobs['pack']['request'], 'worker' | 'workers'>) => Promise<unknown>,
  ): Promise<Float32Array> {
    const wanted = `${place}.${version}`;
    if (this.#holds !== wanted) {
      this.#holds = undefined;
      await pack({ values: trained.values, panels: this.#gradient });
      this.#holds = wanted;
    }
    return this.#gradient;
  }

  /** The memory is used for a gradient again. */
  overwrite(): void {
    this.#holds = undefined;
  }
}

/** Panels as a worker reads and writes them. */
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
      this.#packed().map(({ name, offset, size, dims }) => [
        name,
        floatTensor(panels.subarray(offset, offset + size), dims),
      ]),
    );
    this.#options.runtime.hold(tensors);
    return tensors;
  }

  /** A worker's share of each matrix. */
  async pack({ values, panels, worker, workers }: Jobs['pack']['request']): Promise<void> {
    const program = await this.#options.programs.get('panels', panelsProgram);
    for (const { offset, dims } of this.#packed()) {
      const [count, inputs, width] = dims;
      const { start, end } = share(count, worker, workers);
      if (start === end) continue;
      const of = (flat: Float32Array) => flat.subarray(offset + start * inputs * width, offset + end * inputs * width);
      // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
      await program.run(
        { weights: floatTensor(of(values), [end - start, width, inputs]) },
        { panels: floatTensor(of(panels), [end - start, inputs, width]) },
      );
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

interface PanelOptions {
  readonly config: ModelConfig;
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  readonly runtime: Runtime;
  readonly programs: ExecutableCache;
}
