import type { Completion } from '../../engine/engine.ts';
import { placeOfStop } from '../../rollout/stop-watch.ts';
import type { Tokenizer } from '../../tokenizers/tokenizer.ts';

/**
 * A completion up to its first stop text or stop token, whose text ends before it. Its last token is the one that completed
 * the stop text: what was sampled is what is trained. Sampling ends there by itself, but for tokenizers whose tokens do not tell where;
 * then what came after it is cut off here, and the completion is the same.
 */
export function cutAtStop(
  completion: Completion,
  { decode, stop }: Pick<Tokenizer, 'decode' | 'stop'>,
): Completion & { readonly text: string } {
  const sampled = asSampled(completion, stop);
  const { tokenIds, probs } = sampled;
  const endsAtToken = stop.ids.includes(tokenIds.at(-1) ?? -1);
  const text = decode(endsAtToken ? tokenIds.slice(0, -1) : tokenIds);
  if (firstOf(stop.texts, text) === undefined) return { ...sampled, text };

  // The shortest part with a stop text: a longer one has it, too.
  let [without, length] = [0, tokenIds.length];
  while (length - without > 1) {
    const middle = (without + length) >> 1;
    if (firstOf(stop.texts, decode(tokenIds.slice(0, middle))) === undefined) without = middle;
    else length = middle;
  }
  const part = tokenIds.slice(0, length);
  const stopped = decode(part);
  return {
    tokenIds: part,
    probs: probs.slice(0, length),
    finish: 'stop',
    text: stopped.slice(0, firstOf(stop.texts, stopped)),
  };
}

/** A completion as it is where sampling ends at stop texts: bytes that come later can spoil in its text what was found in it. */
function asSampled(completion: Completion, { texts, pieces }: Tokenizer['stop']): Completion {
  if (pieces === undefined) return completion;
  const { tokenIds, probs } = completion;
  const place = placeOfStop(tokenIds, { stopIds: [], stopTexts: { texts, pieces } });
  if (place < 0) return completion;
  return { tokenIds: tokenIds.slice(0, place + 1), probs: probs.slice(0, place + 1), finish: 'stop' };
}

/** Where the first of some texts begins. */
function firstOf(texts: readonly string[], text: string): number | undefined {
  const places = texts.map((each) => text.indexOf(each)).filter((place) => place >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}
