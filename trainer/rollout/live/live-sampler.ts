import type { PassMemory } from '../../passes/pass-memory.ts';
import type { AnyTensor } from '../../runtime/tensor.ts';
import type { Draw, Drawn, Sampler, TokenProb } from '../sampler.ts';
import { chooseToken } from '../sampling.ts';

/**
 * Draws from the model's own distributions, those of temperature 1, so that completions of any temperature can share a batch. Reported
 * probabilities are the model's own.
 */
export class LiveSampler implements Sampler {
  readonly #size: number;
  readonly #memory: PassMemory;
  readonly #tempered: Float32Array;

  /** @param memory where the distributions lie */
  constructor(vocabularySize: number, memory: PassMemory) {
    this.#size = vocabularySize;
    this.#memory = memory;
    this.#tempered = new Float32Array(vocabularySize);
  }

  async draw(probs: AnyTensor, draws: readonly Draw[]): Promise<readonly Drawn[]> {
    await nextTurn(); // messages are heard between two tokens
    const all = this.#memory.read(probs);
    return draws.map(({ row, sampling, u }) => {
      const distribution = all.subarray(row * this.#size, (row + 1) * this.#size);
      const { temperature, alternatives = 0 } = sampling;
      const drawnFrom = [0, 1].includes(temperature) ? distribution : temper(distribution, temperature, this.#tempered);
      const token = chooseToken(drawnFrom, sampling, u);
      return {
        token,
        prob: distribution[token] as number,
        ...(alternatives > 0 && { alternatives: mostLikelyTokens(distribution, alternatives) }),
      };
    });
  }
}

/**
 * softmax(z / T) from p = softmax(z): p^(1/T), normalized. The largest is 1 before that, so that none of weight is lost to underflow.
 *
 * @param to gets it, and is returned
 */
export function temper(probs: Float32Array, temperature: number, to: Float32Array): Float32Array {
  let largest = 0;
  for (const p of probs) largest = Math.max(largest, p);
  let total = 0;
  for (let token = 0; token < probs.length; token++) {
    const p = ((probs[token] as number) / largest) ** (1 / temperature);
    to[token] = p;
    total += p;
  }
  for (let token = 0; token < to.length; token++) to[token] = (to[token] as number) / total;
  return to;
}

/** The `count` most likely tokens, most likely first; of equally likely ones the first. */
export function mostLikelyTokens(probs: Float32Array, count: number): TokenProb[] {
  const best: TokenProb[] = [];
  for (let token = 0; token < probs.length; token++) {
    const prob = probs[token] as number;
    if (best.length === count && prob <= (best.at(-1) as TokenProb).prob) continue;
    const place = best.findIndex((other) => other.prob < prob);
    best.splice(place < 0 ? best.length : place, 0, { token, prob });
    if (best.length > count) best.pop();
  }
  return best;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
