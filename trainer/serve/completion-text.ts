import type { Completion } from '../engine/engine.ts';
import type { Drawn } from '../rollout/sampler.ts';
import { cutAtStop } from '../stages/policy/cut-at-stop.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';

/** What came of a completion since the last piece. */
export interface Piece {
  readonly text: string;
  /** Tokens since then, without the one that is a stop token. Their text may come with a later piece. */
  readonly tokens: readonly Drawn[];
  /** Of the last piece. */
  readonly finish?: Completion['finish'];
}

const replacement = '\u{FFFD}';

/** Makes text of the tokens of one completion as they are drawn. The texts of all pieces are the text of the whole. */
export class CompletionText {
  readonly #tokenizer: Pick<Tokenizer, 'decode' | 'stop'>;
  readonly #stopIds: readonly number[];
  readonly #drawn: Drawn[] = [];
  #sent = '';
  #sentTokens = 0;
  #seen = 0;

  /** @param stop texts that end the completion, besides those of the tokenizer */
  constructor({ decode, stop: own, stopIds }: Pick<Tokenizer, 'decode' | 'stop' | 'stopIds'>, stop: readonly string[]) {
    this.#tokenizer = { decode, stop: { ...own, texts: [...own.texts, ...stop] } };
    this.#stopIds = [...stopIds, ...own.ids];
  }

  /** Tokens up to the last piece, stop tokens included. */
  get tokens(): number {
    return this.#seen;
  }

  /** A piece, where there is text that no later token changes; with `finish` where a stop text was completed. */
  add(drawn: Drawn): Piece | undefined {
    this.#drawn.push(drawn);
    // Text is made anew from all tokens: looked at after each of them, a long one would take the square of its length.
    if (this.#drawn.length - this.#seen <= this.#drawn.length >> 6) return undefined;
    this.#seen = this.#drawn.length;
    const { tokenIds, text, finish } = this.#cut('length');
    if (finish === 'stop') return this.#last(tokenIds.length, text, finish);
    const ready = this.#ready(text);
    if (!ready.startsWith(this.#sent) || ready.length === this.#sent.length) return undefined;
    return this.#piece(ready, this.#drawn.length);
  }

  /** The last piece, after the last token. */
  end(finish: Completion['finish']): Piece {
    const cut = this.#cut(finish);
    return this.#last(cut.tokenIds.length, cut.text, cut.finish);
  }

  #cut(finish: Completion['finish']): Completion & { readonly text: string } {
    const [tokenIds, probs] = [
      this.#drawn.map(({ token }) => token),
      Float32Array.from(this.#drawn, ({ prob }) => prob),
    ];
    return cutAtStop({ tokenIds, probs, finish }, this.#tokenizer);
  }

  #last(count: number, text: string, finish: Completion['finish']): Piece {
    this.#seen = count;
    const stopped = finish === 'stop' && this.#stopIds.includes(this.#drawn[count - 1]?.token ?? -1);
    return { ...this.#piece(text, stopped ? count - 1 : count), finish };
  }

  #piece(text: string, count: number): Piece {
    const piece = { text: text.slice(this.#sent.length), tokens: this.#drawn.slice(this.#sentTokens, count) };
    [this.#sent, this.#sentTokens] = [text, count];
    return piece;
  }

  /** Without an end of which later tokens may make another character, or a stop text. */
  #ready(text: string): string {
    let end = text.length;
    while (end > 0 && text[end - 1] === replacement) end--;
    for (const stop of this.#tokenizer.stop.texts) {
      for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
        if (!text.endsWith(stop.slice(0, length))) continue;
        end = Math.min(end, text.length - length);
        break;
      }
    }
    return text.slice(0, end);
  }
}
