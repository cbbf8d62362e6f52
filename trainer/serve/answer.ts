import { randomUUID } from 'node:crypto';
import type { Piece } from './completion-text.ts';
import type { Ask, AskSampling, ServedModel } from './served-model.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** A request as it is answered, of either kind. */
export interface Answer {
  readonly asks: readonly Ask[];
  readonly sampling: AskSampling;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Fields of every chunk. */
  readonly chunk: object;
  /** What a stream begins with for each choice, if anything. */
  readonly first: ((index: number) => object) | undefined;
  /** A choice of a chunk. */
  readonly part: (index: number, piece: Piece) => object;
  /** The whole answer. */
  readonly whole: (pieces: readonly (readonly Piece[])[], usage: Usage) => object;
}

/** Identifies an answer. */
export function headOf(model: ServedModel, prefix: string): { id: string; created: number; model: string } {
  return { id: `${prefix}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.name };
}

/** One piece of all of them. */
export function joined(pieces: readonly Piece[]): Piece {
  const finish = pieces.at(-1)?.finish;
  return {
    text: pieces.map(({ text }) => text).join(''),
    tokens: pieces.flatMap(({ tokens }) => tokens),
    ...(finish && { finish }),
  };
}

export function usageOf(asks: readonly Ask[], completionTokens: number): Usage {
  const promptTokens = asks.reduce((sum, { promptIds }) => sum + promptIds.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
