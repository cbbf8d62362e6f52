import { type AnyTensor, inProcess } from '../runtime/tensor.ts';
import { chooseToken, type TokenSampling } from './sampling.ts';

/** A token to be drawn. */
export interface Draw {
  /** Of the distributions. */
  readonly row: number;
  readonly sampling: TokenSampling;
  /** Uniform in [0, 1). */
  readonly u: number;
}

/** A token and its probability, before top-k and top-p. */
export interface TokenProb {
  readonly token: number;
  readonly prob: number;
}

/** The probability is not finite where the distribution is not. */
export interface Drawn extends TokenProb {
  /** The most likely tokens, where they were asked for; most likely first. */
  readonly alternatives?: readonly TokenProb[];
}

/** Draws tokens where their distributions lie. */
export interface Sampler {
  /** @param probs `[rows, V]` */
  draw(probs: AnyTensor, draws: readonly Draw[]): Promise<readonly Drawn[]>;
}

/** From distributions in the memory of the process. */
export class ProcessSampler implements Sampler {
  readonly #size: number;

  constructor(vocabularySize: number) {
    this.#size = vocabularySize;
  }

  async draw(probs: AnyTensor, draws: readonly Draw[]): Promise<readonly Drawn[]> {
    const all = inProcess(probs).data as Float32Array;
    return draws.map(({ row, sampling, u }) => {
      const distribution = all.subarray(row * this.#size, (row + 1) * this.#size);
      const token = chooseToken(distribution, sampling, u);
      return { token, prob: distribution[token] as number };
    });
  }
}
