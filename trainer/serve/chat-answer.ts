import { encodePrompt } from '../stages/policy/encoding.ts';
import type { TokenProb } from '../rollout/sampler.ts';
import { type Answer, headOf, joined } from './answer.ts';
import { blaming } from './api-error.ts';
import type { ChatRequest } from './chat-request.ts';
import type { Piece } from './completion-text.ts';
import type { ServedModel } from './served-model.ts';

/** What `/v1/chat/completions` answers. @throws ApiError where the chat template refuses the messages */
export function chatAnswer(model: ServedModel, request: ChatRequest): Answer {
  const messages = request.messages.map(({ role, content, name }) => ({
    role,
    content,
    ...(name !== undefined && { name }),
  }));
  const variables = request.chat_template_kwargs;
  const { ids: promptIds, opening } = blaming('messages', () => encodePrompt(model.policy, { messages }, variables));
  const head = headOf(model, 'chatcmpl');
  const logprobs = ({ tokens }: Piece) => (request.logprobs ? chatLogProbs(model, request.top_logprobs, tokens) : null);
  return {
    asks: [{ promptIds, opening }],
    sampling: {
      n: request.n,
      temperature: request.temperature,
      topP: request.top_p,
      topK: request.top_k,
      maxTokens: request.max_completion_tokens ?? request.max_tokens,
      seed: request.seed,
      stop: request.stop,
      alternatives: request.top_logprobs,
    },
    stream: request.stream,
    includeUsage: request.stream_options?.include_usage ?? false,
    chunk: { ...head, object: 'chat.completion.chunk' },
    first: (index) => ({ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
    part: (index, piece) => ({
      index,
      delta: piece.text === '' ? {} : { content: piece.text },
      logprobs: logprobs(piece),
      finish_reason: piece.finish ?? null,
    }),
    whole: (choices, usage) => ({
      ...head,
      object: 'chat.completion',
      choices: choices.map(joined).map((piece, index) => ({
        index,
        message: { role: 'assistant', content: piece.text, refusal: null },
        logprobs: logprobs(piece),
        finish_reason: piece.finish,
      })),
      usage,
    }),
  };
}

function chatLogProbs({ texts }: ServedModel, top: number, tokens: Piece['tokens']): object {
  const shown = (of: TokenProb) => {
    const { token, logprob } = texts.logProb(of);
    return { token, logprob, bytes: bytesOf(token) };
  };
  const content = tokens.map(({ alternatives = [], ...of }) => ({
    ...shown(of),
    top_logprobs: alternatives.slice(0, top).map(shown),
  }));
  return { content, refusal: null };
}

/** Its UTF-8; null for a token that is part of a character. */
function bytesOf(token: string): number[] | null {
  return token.includes('\u{FFFD}') ? null : [...Buffer.from(token)];
}
