import { embeddingName, type ParameterLayout } from '../models/parameters.ts';

/**
 * Tokens that passes have computed, and floating-point operations of their products with weights:
 *
 *   a token forward    2 for each weight that takes part in a product
 *   a token trained    forward; as many for the gradient of its activations; 2 for each of these weights that is trained
 *
 * Without attention's own products, so a share of a GPU's peak that is made of it is on the low side. Source: Kaplan et al.,
 * arXiv:2001.08361, §2.1: 6 N of a token where all is trained.
 */
export class WorkCount {
  #tokens = 0;
  #flops = 0;
  readonly #weights: number;
  readonly #trained: number;

  constructor({ tensors }: ParameterLayout) {
    const hasHead = tensors.some(({ name }) => name === 'lm_head.weight' || name === 'score.weight');
    const weights = tensors.filter(({ name, shape }) => shape.length > 1 && !(hasHead && name === embeddingName));
    this.#weights = sizeOf(weights);
    this.#trained = sizeOf(weights.filter(({ trained }) => trained));
  }

  get tokens(): number {
    return this.#tokens;
  }

  get flops(): number {
    return this.#flops;
  }

  /** So many tokens were sampled or scored. */
  forward(tokens: number): void {
    this.#tokens += tokens;
    this.#flops += tokens * 2 * this.#weights;
  }

  /** So many tokens were learned from. */
  trained(tokens: number): void {
    this.#tokens += tokens;
    this.#flops += tokens * (4 * this.#weights + 2 * this.#trained);
  }
}

function sizeOf(tensors: readonly { readonly size: number }[]): number {
  return tensors.reduce((sum, { size }) => sum + size, 0);
}
