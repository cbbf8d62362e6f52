import { type RandomKey, randomKey } from '../../algorithms/random.ts';
import type { Message, Row } from '../../contract/settings/dataset.ts';
import type { SamplingSettings } from '../../contract/settings/training.ts';
import type { Span } from '../../engine/sequences.ts';

/** A completion under way: turns of the model, and between them what it was told. */
export interface Draft {
  readonly row: Row;
  readonly key: RandomKey;
  readonly promptIds: readonly number[];
  /** What follows the prompt so far. */
  readonly ids: readonly number[];
  /** Places in `ids` of what the model wrote. */
  readonly sampled: readonly Span[];
  /** Of the tokens that it wrote, turn by turn. */
  readonly probs: readonly Float32Array[];
  /** The conversation after the prompt, for readers. */
  readonly messages: readonly Message[];
  /** The newest turn of the model: what of it was there already, what it wrote behind that, and whether it ended by itself. */
  readonly turn: { readonly opening: string; readonly text: string; readonly terminated: boolean };
  readonly calls: number;
  readonly failedCalls: number;
  /** Tries that were found wrong before the newest. */
  readonly tries: number;
}

/** What the model is told before it goes on. */
export interface Told {
  readonly messages: readonly Message[];
  readonly calls?: number;
  readonly failedCalls?: number;
  /** 1 where it was wrong, and tries once more. */
  readonly tries?: number;
}

/** Told as tokens, up to where the model's next turn begins. */
export interface ToldTokens {
  readonly ids: readonly number[];
  readonly opening: string;
}

/** Limits of a completion, in tokens. */
export interface Limits {
  readonly sampling: SamplingSettings;
  /** Most that it may be told. */
  readonly told: number;
  /** Most that the model takes, prompt and completion together. */
  readonly context: number;
}

export function beginDraft(row: Row, key: RandomKey, promptIds: readonly number[], opening: string): Draft {
  const turn = { opening, text: '', terminated: false };
  return {
    row,
    key,
    promptIds,
    ids: [],
    sampled: [],
    probs: [],
    messages: [],
    turn,
    calls: 0,
    failedCalls: 0,
    tries: 0,
  };
}

/** Sampled tokens so far. */
export function sampledCount({ probs }: Draft): number {
  return probs.reduce((sum, { length }) => sum + length, 0);
}

/** How the next turn is sampled. Of the limits of a completion what earlier turns have left; less than one token where nothing is. */
export function turnRequest(draft: Draft, { sampling, context }: Limits) {
  const { key, promptIds, ids, sampled } = draft;
  const left = sampling.maxNewTokens - sampledCount(draft);
  const room = context - promptIds.length - ids.length;
  return {
    promptIds: ids.length === 0 ? promptIds : [...promptIds, ...ids],
    // Each turn has numbers of its own, the first those of a completion that is one turn.
    key: sampled.length === 0 ? key : randomKey('turn', sampled.length, ...key),
    sampling: { ...sampling, maxNewTokens: Math.min(left, room) },
  };
}

/** The model has written a turn. */
export function withTurn(
  draft: Draft,
  turn: {
    readonly tokenIds: readonly number[];
    readonly probs: Float32Array;
    readonly text: string;
    readonly finish: string;
  },
): Draft {
  const { tokenIds, probs, finish } = turn;
  const { opening } = draft.turn;
  const text = opening + turn.text;
  return {
    ...draft,
    ids: [...draft.ids, ...tokenIds],
    sampled: [...draft.sampled, [draft.ids.length, draft.ids.length + tokenIds.length]],
    probs: [...draft.probs, probs],
    messages: [...draft.messages, { role: 'assistant', content: text }],
    turn: { opening, text, terminated: finish === 'stop' },
  };
}

/** Where a further turn has no room, the completion was cut off. */
export function cutOff(draft: Draft): Draft {
  return { ...draft, turn: { ...draft.turn, terminated: false } };
}

/** The draft with what it is told, ready for its next turn; nothing where limits leave no room for that. */
export function withTold(draft: Draft, told: Told, { ids, opening }: ToldTokens, limits: Limits): Draft | undefined {
  const { calls = 0, failedCalls = 0, tries = 0, messages } = told;
  const next: Draft = {
    ...draft,
    ids: [...draft.ids, ...ids],
    messages: [...draft.messages, ...messages],
    turn: { opening, text: opening, terminated: false },
    calls: draft.calls + calls,
    failedCalls: draft.failedCalls + failedCalls,
    tries: draft.tries + tries,
  };
  const isWithinLimits = next.ids.length - sampledCount(next) <= limits.told;
  return isWithinLimits && turnRequest(next, limits).sampling.maxNewTokens > 0 ? next : undefined;
}
