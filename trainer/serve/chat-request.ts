import { z } from 'zod';
import { takenName } from '../tokenizers/chat-template.ts';
import { roles } from '../contract/settings/dataset.ts';
import {
  count,
  fieldsThatAskForNothing,
  fieldsWithoutEffect,
  mostAlternatives,
  parseRequest,
  samplingFields,
  withoutNulls,
} from './request-fields.ts';

const text = z.strictObject({ type: z.literal('text', 'only text is understood; expected text'), text: z.string() });

const none = z.array(z.unknown()).max(0, 'calls of tools are not supported; expected []').optional();
const nothing = z.undefined('only text is understood; expected null').optional();

/** Clients give the answers of this server back as it gave them, and those of others with fields that those write. */
const answered = {
  refusal: nothing,
  audio: nothing,
  function_call: nothing,
  reasoning: nothing,
  reasoning_content: nothing,
  annotations: z.array(z.unknown()).max(0, 'annotations are not understood; expected []').optional(),
  tool_calls: none,
};

const turn = z.strictObject({
  ...answered,
  role: z.enum(roles),
  content: z
    .union([z.string(), z.array(text)], 'expected a text, or an array of parts {"type": "text", "text": …}')
    .transform((content) => (typeof content === 'string' ? content : content.map((part) => part.text).join(''))),
  name: z.string().optional(),
});
const message = z.preprocess(withoutNulls, turn);

const variables = z
  .record(z.string(), z.unknown(), 'expected an object of variables and their values')
  .check((given) => {
    const taken = takenName(given.value);
    if (taken !== undefined) given.issues.push({ code: 'custom', message: taken, input: given.value });
  });

const chatRequest = z
  .strictObject({
    ...samplingFields,
    ...fieldsWithoutEffect,
    ...fieldsThatAskForNothing,
    messages: z.array(message).min(1),
    max_completion_tokens: samplingFields.max_tokens,
    /** vLLM's and SGLang's: variables of the chat template, over those of the server. */
    chat_template_kwargs: variables.optional(),
    add_generation_prompt: z.literal(true, 'the assistant answers; expected true').optional(),
    continue_final_message: z.literal(false, 'an answer is a turn of its own; expected false').optional(),
    logprobs: z.boolean().default(false),
    top_logprobs: count(0, mostAlternatives).default(0),
    tools: none,
    functions: none,
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
