import { z } from 'zod';
import { roles } from '../contract/settings/dataset.ts';
import {
  count,
  fieldsThatAskForNothing,
  fieldsWithoutEffect,
  mostAlternatives,
  parseRequest,
  samplingFields,
} from './request-fields.ts';

const text = z.strictObject({ type: z.literal('text', 'only text is understood; expected text'), text: z.string() });

const message = z.strictObject({
  role: z.enum(roles),
  content: z
    .union([z.string(), z.array(text)], 'expected a text, or an array of parts {"type": "text", "text": …}')
    .transform((content) => (typeof content === 'string' ? content : content.map((part) => part.text).join(''))),
  name: z.string().optional(),
});

const noTools = z.array(z.unknown()).max(0, 'calls of tools are not supported; expected []').optional();

const chatRequest = z
  .strictObject({
    ...samplingFields,
    ...fieldsWithoutEffect,
    ...fieldsThatAskForNothing,
    messages: z.array(message).min(1),
    max_completion_tokens: samplingFields.max_tokens,
    logprobs: z.boolean().default(false),
    top_logprobs: count(0, mostAlternatives).default(0),
    tools: noTools,
    functions: noTools,
    tool_choice: z.enum(['none', 'auto'], 'calls of tools are not supported; expected none or auto').optional(),
    parallel_tool_calls: z.boolean().optional(),
    response_format: z
      .strictObject({ type: z.literal('text', 'only text is made; expected text') }, 'only text is made')
      .optional(),
    modalities: z.array(z.literal('text', 'only text is made; expected text')).optional(),
  })
  .refine(({ top_logprobs: top, logprobs }) => top === 0 || logprobs, {
    path: ['top_logprobs'],
    error: 'needs logprobs: true',
  })
  .refine(({ max_tokens: old, max_completion_tokens: most }) => old === undefined || most === undefined, {
    path: ['max_tokens'],
    error: 'is the older name of max_completion_tokens; expected one of the two',
  });
export type ChatRequest = z.infer<typeof chatRequest>;

/** @throws ApiError */
export function parseChatRequest(body: unknown): ChatRequest {
  return parseRequest(chatRequest, body);
}
