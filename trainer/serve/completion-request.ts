import { z } from 'zod';
import {
  count,
  fieldsThatAskForNothing,
  fieldsWithoutEffect,
  mostAlternatives,
  parseRequest,
  samplingFields,
} from './request-fields.ts';

const ids = z.array(count(0, 1_000_000_000)).min(1);
/** A text, or its tokens. */
const prompt = z.union([z.string(), ids]);
export type CompletionPrompt = z.infer<typeof prompt>;

const defaultTokens = 16; // OpenAI's

const completionRequest = z.strictObject({
  ...samplingFields,
  ...fieldsWithoutEffect,
  ...fieldsThatAskForNothing,
  prompt: z
    .union([prompt, z.array(prompt).min(1)], 'expected a text or an array of token ids, or an array of several of them')
    .transform((given) => (isOne(given) ? [given] : given)),
  max_tokens: samplingFields.max_tokens.default(defaultTokens),
  logprobs: count(0, mostAlternatives).optional(),
  echo: z.literal(false, 'echo is not supported; expected false').optional(),
  best_of: z.literal(1, 'best_of is not supported; expected 1').optional(),
  suffix: z.literal('', 'suffix is not supported; expected ""').optional(),
});
export type CompletionRequest = z.infer<typeof completionRequest>;

function isOne(given: CompletionPrompt | CompletionPrompt[]): given is CompletionPrompt {
  return typeof given === 'string' || typeof given[0] === 'number';
}

/** @throws ApiError */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  return parseRequest(completionRequest, body);
}
