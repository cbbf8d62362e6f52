import { type Answer, headOf, joined } from './answer.ts';
import { blaming } from './api-error.ts';
import type { CompletionPrompt, CompletionRequest } from './completion-request.ts';
import type { Piece } from './completion-text.ts';
import type { Ask, ServedModel } from './served-model.ts';

/** What `/v1/completions` answers. @throws ApiError for a prompt that has no tokens */
export function completionAnswer(model: ServedModel, request: CompletionRequest): Answer {
  const head = { ...headOf(model, 'cmpl'), object: 'text_completion' };
  const { logprobs } = request;
  /** Where the text of each choice goes on, in characters. */
  const offsets: number[] = [];
  const choice = (index: number, piece: Piece) => {
    const offset = offsets[index] ?? 0;
    const told = logprobs === undefined ? null : legacyLogProbs(model, logprobs, piece.tokens, offset);
    offsets[index] = told?.end ?? 0;
    return { index, text: piece.text, logprobs: told?.logprobs ?? null, finish_reason: piece.finish ?? null };
  };
  return {
    asks: request.prompt.map((prompt) => askOf(model, prompt)),
    sampling: {
      n: request.n,
      temperature: request.temperature,
      topP: request.top_p,
      topK: request.top_k,
      maxTokens: request.max_tokens,
      seed: request.seed,
      stop: request.stop,
      alternatives: logprobs ?? 0,
    },
    stream: request.stream,
    includeUsage: request.stream_options?.include_usage ?? false,
    chunk: head,
    first: undefined,
    part: choice,
    whole: (choices, usage) => ({
      ...head,
      choices: choices.map(joined).map((piece, index) => choice(index, piece)),
      usage,
    }),
  };
}

/** A text is a document: it begins as those do that models are trained on. */
function askOf(model: ServedModel, prompt: CompletionPrompt): Ask {
  if (typeof prompt !== 'string') return { promptIds: prompt, opening: '' };
  const begin = blaming('prompt', () => model.policy.tokenizer.renderChat([]));
  return { promptIds: model.encode(begin + prompt, 'prompt'), opening: '' };
}

/** @param offset characters of the completion before these tokens */
function legacyLogProbs({ texts }: ServedModel, top: number, tokens: Piece['tokens'], offset: number) {
  const told = tokens.map((token) => texts.logProb(token));
  let end = offset;
  const logprobs = {
    tokens: told.map(({ token }) => token),
    token_logprobs: told.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ alternatives = [] }) =>
      Object.fromEntries(
        alternatives.slice(0, top).map((each) => {
          const { token, logprob } = texts.logProb(each);
          return [token, logprob];
        }),
      ),
    ),
    text_offset: told.map(({ token }) => {
      const at = end;
      end += token.length;
      return at;
    }),
  };
  return { logprobs, end };
}
