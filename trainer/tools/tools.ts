import type { Tool } from '../contract/settings/dataset.ts';
import type { ToolName } from '../contract/settings/tool-use.ts';
import { calculator } from './calculator.ts';
import { javascript, python } from './programs.ts';
import { readCalls } from './read-calls.ts';
import { type CallableTool, ToolFault } from './tool.ts';

const byName: Readonly<Record<ToolName, CallableTool>> = { calculator, javascript, python };

/** What of some tools a chat template is told. */
export function definitionsOf(names: readonly ToolName[]): Tool[] {
  return names.map((name) => byName[name].definition);
}

/** What came of one call. */
export interface CallResult {
  /** What was called; absent where that cannot be read. */
  readonly name?: string;
  /** For the model: the result, or what went wrong. */
  readonly content: string;
  readonly failed: boolean;
}

/** What came of the calls in a turn of the assistant, in their order. None where it calls nothing. */
export function runCalls(text: string, allowed: readonly ToolName[]): Promise<CallResult[]> {
  const results = readCalls(text).map(async (call): Promise<CallResult> => {
    if ('fault' in call) return { content: `Error: ${call.fault}`, failed: true };
    const { name, arguments: given } = call;
    const known = allowed.find((each) => each === name);
    if (known === undefined)
      return {
        name,
        content: `Error: found the tool ${name.slice(0, 60)}, expected ${allowed.join(' or ')}`,
        failed: true,
      };
    try {
      return { name, content: await byName[known].run(given), failed: false };
    } catch (error) {
      if (!(error instanceof ToolFault)) throw error;
      return { name, content: `Error: ${error.message}`, failed: true };
    }
  });
  return Promise.all(results);
}
