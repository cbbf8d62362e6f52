import { z } from 'zod';
import { object } from './schema.ts';

export const toolNames = ['calculator', 'javascript', 'python'] as const;
export type ToolName = (typeof toolNames)[number];

/** Settings of whatever samples with tools. */
export const toolUseShape = {
  tools: z
    .array(z.enum(toolNames))
    .min(1)
    .max(toolNames.length)
    .optional()
    .describe(
      'What a completion may call: calculator works out an expression, javascript and python run a program without network and files. After each call the model is told the result, which is not trained, and goes on: docs/reinforcement-learning.md. None when absent.',
    ),
  maxToolCalls: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Calls of one completion that are answered; a turn with more of them is its last.'),
  maxToolTokens: z
    .int()
    .min(8)
    .max(8192)
    .default(256)
    .describe(
      'What of a result the model is told, in tokens; the rest is cut off. These tokens are none of maxNewTokens, which counts what the model writes, in all its turns.',
    ),
};

/** How tools are used; without names not at all. */
export interface ToolUse {
  readonly tools?: readonly ToolName[] | undefined;
  readonly maxToolCalls: number;
  readonly maxToolTokens: number;
}

export const refine = object({
  rounds: z.int().min(1).max(8).default(1).describe('Further tries, as long as the answer is wrong.'),
  discount: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('A reward above 0 counts this many times less for each further try that it took.'),
}).describe(
  'Tries after the first one: where the verifier finds the answer wrong, a turn of the user says so, never what is right, and asks for another. The reward is that of the last try. Off when absent.',
);
export type Refine = z.infer<typeof refine>;

/** Tokens that a template puts around what it is told, at most. */
const frameTokens = 64;
/** A verdict in words has fewer, even in bytes. */
const verdictTokens = 128;

/** Tokens that one completion may be told, at most, in all its turns. */
export function mostTold({
  tools,
  maxToolCalls = 0,
  maxToolTokens = 0,
  refine: { rounds } = { rounds: 0, discount: 1 },
}: Partial<ToolUse> & { readonly refine?: Refine | undefined }): number {
  const ofTools = tools === undefined ? 0 : maxToolCalls * (maxToolTokens + frameTokens);
  return ofTools + rounds * (verdictTokens + frameTokens);
}
