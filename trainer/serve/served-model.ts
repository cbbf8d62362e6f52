import { randomInt } from 'node:crypto';
import { randomKey } from '../algorithms/random.ts';
import type { LiveGeneration } from '../engine/live-generation.ts';
import type { Policy } from '../stages/policy/policy.ts';
import { ApiError, blaming } from './api-error.ts';
import { CompletionText, type Piece } from './completion-text.ts';
import { TokenTexts } from './token-texts.ts';

/** Most completions that are being sampled or wait for it; more are refused until some are done. */
export const mostCompletions = 256;

/** Completions wanted of one prompt. */
export interface Ask {
  readonly promptIds: readonly number[];
  /** What of the response the prompt already has. */
  readonly opening: string;
}

export interface AskSampling {
  readonly n: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  /** As many as the context holds when absent. */
  readonly maxTokens: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  readonly alternatives: number;
}

/** Called with every piece of the choice at `index`; choices of the first prompt come before those of the second. */
export type OnPiece = (index: number, piece: Piece) => void;

/** A model that answers many at once, in one batch. */
export class ServedModel {
  readonly name: string;
  readonly created: number;
  readonly policy: Policy;
  readonly texts: TokenTexts;
  readonly #live: LiveGeneration;

  constructor(name: string, policy: Policy, live: LiveGeneration) {
    [this.name, this.policy, this.#live] = [name, policy, live];
    this.created = Math.floor(Date.now() / 1000);
    this.texts = new TokenTexts(policy.tokenizer);
  }

  /**
   * Samples the completions of some prompts.
   *
   * @param signal whoever asked has gone
   * @returns tokens that were sampled
   * @throws ApiError for more than there is room for
   */
  async complete(asks: readonly Ask[], sampling: AskSampling, onPiece: OnPiece, signal: AbortSignal): Promise<number> {
    this.#expectRoom(asks.length * sampling.n);
    const { seed = randomInt(2 ** 47) } = sampling;
    for (const { promptIds } of asks) this.#expectShorter(promptIds);
    const choices = asks.flatMap(({ promptIds, opening }, place) => {
      const texts = Array.from({ length: sampling.n }, () => new CompletionText(this.policy.tokenizer, sampling.stop));
      const ofChoice = texts.map((text, sample) => new Choice(text, onPiece, place * sampling.n + sample, opening));
      const submitted = this.#live.submit(
        promptIds,
        ofChoice.map((choice, sample) => ({
          ...this.#request(sampling),
          key: randomKey(seed, 'serve', promptIds.join(), sample),
          onDrawn: (drawn) => choice.draw(drawn),
        })),
      );
      for (const [at, live] of submitted.entries()) ofChoice[at]?.follow(live);
      return ofChoice;
    });
    const cancel = (): void => {
      for (const choice of choices) choice.cancel();
    };
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      const tokens = await Promise.all(choices.map(async ({ ended }) => ended));
      return tokens.reduce((sum, count) => sum + count, 0);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #request({ temperature, topP, topK, maxTokens, alternatives }: AskSampling) {
    const { stopIds, stop } = this.policy.tokenizer;
    const maxNewTokens = maxTokens ?? this.policy.config.maxLength;
    return {
      sampling: { temperature, topP, topK, maxNewTokens, alternatives },
      stopIds: [...stopIds, ...stop.ids],
      stopTexts: stop.pieces && { texts: stop.texts, pieces: stop.pieces },
    };
  }

  #expectRoom(count: number): void {
    if (count > mostCompletions) {
      const message = `n: asks for ${count} completions, expected at most ${mostCompletions} in one request`;
      throw new ApiError(400, message, { param: 'n' });
    }
    if (this.#live.size + count <= mostCompletions) return;
    const message = `${this.#live.size} completions are being made, and there is no room for ${count} more; try again later`;
    throw new ApiError(429, message, { code: 'queue_full' });
  }

  #expectShorter(promptIds: readonly number[]): void {
    const { maxLength, vocabularySize } = this.policy.config;
    const foreign = promptIds.find((id) => id >= vocabularySize);
    if (foreign !== undefined) {
      const message = `prompt: found the token ${foreign}, expected ids below ${vocabularySize}`;
      throw new ApiError(400, message, { param: 'prompt' });
    }
    if (promptIds.length > 0 && promptIds.length < maxLength) return;
    const message =
      `the prompt has ${promptIds.length} tokens, expected 1 to ${maxLength - 1}: ` +
      `the model's context holds ${maxLength}, prompt and completion together`;
    throw new ApiError(400, message, { code: 'context_length_exceeded' });
  }

  /** Token ids of a text. @throws ApiError */
  encode(text: string, param: string): number[] {
    return blaming(param, () => this.policy.tokenizer.encode(text));
  }
}

type Live = ReturnType<LiveGeneration['submit']>[number];

/** One completion on its way to whoever asked for it. */
class Choice {
  readonly #text: CompletionText;
  readonly #send: (piece: Piece) => void;
  #opening: string;
  #live: Live | undefined;
  readonly #ended = Promise.withResolvers<number>();

  constructor(text: CompletionText, onPiece: OnPiece, index: number, opening: string) {
    this.#text = text;
    this.#opening = opening;
    this.#send = (piece) => {
      onPiece(index, { ...piece, text: this.#opening + piece.text });
      this.#opening = '';
    };
  }

  /** Tokens that were sampled; settles after the last piece, or once it is cancelled. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  follow(live: Live): void {
    this.#live = live;
    live.completion.then(({ finish }) => this.#finish(this.#text.end(finish)), this.#ended.reject);
  }

  draw(drawn: Parameters<CompletionText['add']>[0]): void {
    const piece = this.#text.add(drawn);
    if (piece === undefined) return;
    if (piece.finish === undefined) {
      this.#send(piece);
      return;
    }
    this.#live?.cancel();
    this.#finish(piece);
  }

  cancel(): void {
    this.#live?.cancel();
    this.#ended.resolve(this.#text.tokens);
  }

  #finish(piece: Piece): void {
    this.#send(piece);
    this.#ended.resolve(this.#text.tokens);
  }
}
