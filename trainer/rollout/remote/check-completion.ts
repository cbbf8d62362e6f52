import type { Completion, GenerationRequest } from '../requests.ts';
import { placeOfStop } from '../stop-watch.ts';

/** What a completion of any request keeps to. */
export interface ModelLimits {
  readonly vocabularySize: number;
  /** Most tokens of prompt and completion together. */
  readonly maxLength: number;
}

/** Most tokens that a request's completion has. */
export function longestCompletion({ promptIds, sampling }: GenerationRequest, { maxLength }: ModelLimits): number {
  return Math.min(sampling.maxNewTokens, maxLength - promptIds.length);
}

/** Why a completion cannot be one of this request; nothing if it can. */
export function completionProblem(
  { tokenIds, probs, finish }: Completion,
  request: GenerationRequest,
  limits: ModelLimits,
): string | undefined {
  const longest = longestCompletion(request, limits);
  if (tokenIds.length === 0 || tokenIds.length > longest) return `${tokenIds.length} tokens, expected 1 to ${longest}`;
  if (probs.length !== tokenIds.length) return `${probs.length} probabilities of ${tokenIds.length} tokens`;
  const alien = tokenIds.find((id) => id < 0 || id >= limits.vocabularySize);
  if (alien !== undefined) return `the token ${alien} of a vocabulary of ${limits.vocabularySize}`;
  const impossible = probs.find((prob) => !(prob >= 0 && prob <= 1));
  if (impossible !== undefined) return `the probability ${impossible}`;
  const stop = placeOfStop(tokenIds, request);
  const ended = finish === 'stop' ? stop === tokenIds.length - 1 : stop < 0 && tokenIds.length === longest;
  return ended
    ? undefined
    : `${tokenIds.length} tokens with finish "${finish}", a stop at ${stop}, and room for ${longest}`;
}

/** The same to the bit. */
export function equalCompletions(a: Completion, b: Completion): boolean {
  return (
    a.finish === b.finish &&
    a.tokenIds.length === b.tokenIds.length &&
    a.tokenIds.every((id, at) => id === b.tokenIds[at]) &&
    a.probs.every((prob, at) => Object.is(prob, b.probs[at]))
  );
}
