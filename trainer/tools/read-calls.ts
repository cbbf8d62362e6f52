import { z } from 'zod';

const call = z.object({ name: z.string().min(1), arguments: z.record(z.string(), z.unknown()).default({}) });
export type Call = z.infer<typeof call>;

const block = /<tool_call>([^]*?)(<\/tool_call>|$)/g;
const longestCall = 40_000;

/**
 * The calls of a turn, in the form of Hermes, which Qwen and others write: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`. Whatever
 * stands between such tags counts as a call, so that a faulty one can be answered.
 */
export function readCalls(text: string): (Call | { readonly fault: string })[] {
  return Array.from(text.matchAll(block), ([, inside = '', end]) => {
    if (end === '') return { fault: 'found a call without </tool_call>' };
    if (inside.length > longestCall)
      return { fault: `found a call of ${inside.length} characters, expected at most ${longestCall}` };
    const parsed = call.safeParse(parse(inside)).data;
    return parsed ?? { fault: 'found no call, expected {"name": …, "arguments": {…}} as JSON' };
  });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
