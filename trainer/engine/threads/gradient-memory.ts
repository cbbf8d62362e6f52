import type { ParameterLayout } from '../../models/parameters.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tensors } from '../../runtime/tensor.ts';
import { gradientTensors } from './gradient.ts';
import type { OptimizerMemory } from './protocol.ts';

/** Where a thread's programs write the gradients of micro-batches. */
export class GradientMemory {
  readonly #layout: ParameterLayout;
  readonly #runtime: Runtime;
  #sum: Tensors | undefined;
  #own: Tensors | undefined;

  constructor(layout: ParameterLayout, runtime: Runtime) {
    this.#layout = layout;
    this.#runtime = runtime;
  }

  /** The first micro-batch of a step begins the sum; the others wait for their turn in memory of the thread's own. */
  of(index: number, { gradient }: OptimizerMemory): Tensors {
    if (index === 0) return (this.#sum ??= this.#hold(gradient));
    return (this.#own ??= this.#hold(new Float32Array(this.#layout.size)));
  }

  #hold(flat: Float32Array): Tensors {
    const tensors = gradientTensors(this.#layout, flat);
    this.#runtime.hold(tensors);
    return tensors;
  }
}
