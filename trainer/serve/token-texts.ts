import type { TokenProb } from '../rollout/sampler.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';

export interface TokenLogProb {
  readonly token: string;
  /** Natural logarithm; of a probability that is 0 in float32 the least that a number there has. */
  readonly logprob: number;
}

const leastLogProb = -9999; // OpenAI's, for tokens that are most unlikely

/** What single tokens write, as they do behind others. */
export class TokenTexts {
  readonly #decode: Tokenizer['decode'];
  readonly #before: readonly number[];
  readonly #skip: number;
  readonly #texts = new Map<number, string>();

  constructor({ decode, encode }: Pick<Tokenizer, 'decode' | 'encode'>) {
    this.#decode = decode;
    // At the beginning of a text some tokenizers leave out a blank.
    this.#before = encode('a');
    this.#skip = decode(this.#before).length;
  }

  /** With U+FFFD for bytes that are no whole character. */
  of(id: number): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const text = this.#decode([...this.#before, id]).slice(this.#skip);
    this.#texts.set(id, text);
    return text;
  }

  logProb({ token, prob }: TokenProb): TokenLogProb {
    return { token: this.of(token), logprob: prob > 0 ? Math.log(prob) : leastLogProb };
  }
}
