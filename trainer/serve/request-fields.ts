import { z } from 'zod';
import { shown } from '../contract/process/shown.ts';
import { ApiError } from './api-error.ts';

const mostSamplesOfPrompt = 128;
const mostStopTexts = 16;
/** Most alternatives to a token that are told. */
export const mostAlternatives = 20;

export const count = (least: number, most: number) => z.int().min(least).max(most);
const tokens = count(1, 1_000_000_000);

/** Fields of both kinds of completion. */
export const samplingFields = {
  model: z.string().optional(),
  n: count(1, mostSamplesOfPrompt).default(1),
  temperature: z.number().min(0).max(2).default(1),
  top_p: z.number().min(0).max(1).default(1),
  /** Not OpenAI's, but vLLM's and llama.cpp's: only the k most likely tokens; 0 is all, as is vLLM's -1. */
  top_k: count(-1, 1_000_000_000)
    .default(0)
    .transform((k) => Math.max(0, k)),
  max_tokens: tokens.optional(),
  seed: z.int().optional(),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(mostStopTexts)])
    .default([])
    .transform((stop) => (typeof stop === 'string' ? [stop] : stop)),
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().default(false),
      continuous_usage_stats: z.literal(false, 'usage is told at the end; expected false').optional(),
    })
    .optional(),
};

/** OpenAI's, of which nothing follows here. */
export const fieldsWithoutEffect = {
  user: z.unknown().optional(),
  store: z.literal(false, 'nothing is stored; expected false').optional(),
  metadata: z.unknown().optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
};

/** OpenAI's and vLLM's, taken where they ask for nothing. */
export const fieldsThatAskForNothing = {
  presence_penalty: z.literal(0, 'penalties are not supported; expected 0').optional(),
  frequency_penalty: z.literal(0, 'penalties are not supported; expected 0').optional(),
  logit_bias: z.strictObject({}, 'biases are not supported; expected {}').optional(),
  repetition_penalty: z.literal(1, 'penalties are not supported; expected 1').optional(),
  min_p: z.literal(0, 'min-p sampling is not supported; expected 0').optional(),
  length_penalty: z.literal(1, 'penalties are not supported; expected 1').optional(),
  min_tokens: z.literal(0, 'the stop token ends a completion; expected 0').optional(),
  stop_token_ids: z.array(z.unknown()).max(0, 'stop takes texts; expected []').optional(),
  include_stop_str_in_output: z.literal(false, 'stop texts are no part of the answer; expected false').optional(),
  ignore_eos: z.literal(false, 'the stop token ends a completion; expected false').optional(),
  skip_special_tokens: z.literal(true, 'special tokens are left out; expected true').optional(),
};

/**
 * A request as its schema has it. A field that is null counts as absent.
 *
 * @throws ApiError that names the first field at fault, what was found there and what was expected
 */
export function parseRequest<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const parsed = schema.safeParse(withoutNulls(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const { path = [], message = 'is at fault' } = issue ?? {};
  const at = issue?.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''] : path;
  const param = at.join('.');
  const found = shown(valueAt(body, at));
  if (issue?.code === 'unrecognized_keys') throw new ApiError(400, `${param}: no such field is known here`, { param });
  if (param === '') throw new ApiError(400, `the body: ${message}; found ${found}`);
  throw new ApiError(400, `${param}: ${message}; found ${found}`, { param });
}

export function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
