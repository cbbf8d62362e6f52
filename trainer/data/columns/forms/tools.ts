import type { Tool, ToolCall } from '../../../contract/settings/dataset.ts';
import { BadLine, inWords } from '../../files/bad-line.ts';
import { isRecord } from '../fields.ts';

/** Deeper descriptions would end the stack of whoever walks through them. */
const deepest = 32;

/**
 * The tools that a row offers, as a list of JSON schemas or as its JSON text.
 *
 * @throws BadLine
 */
export function toolsOf(value: unknown): Tool[] {
  if (value === undefined) return [];
  return objectsIn(fromText(value, 'tools'), 'tools', 'a list of tool descriptions');
}

/**
 * The calls of a message: `{function: {name, arguments}}`, or `{name, arguments}` alone; arguments may be JSON text, as
 * providers send them, while chat templates expect an object.
 *
 * @throws BadLine
 */
export function toolCallsOf(value: unknown, path: string): ToolCall[] {
  if (value === undefined || value === null) return [];
  const found = fromText(value, path);
  const calls = objectsIn(isRecord(found) ? [found] : found, path, 'a list of tool calls');
  return calls.map((call, index) => {
    const what = isRecord(call['function']) ? call['function'] : call;
    const { name } = what;
    if (typeof name !== 'string' || name === '') {
      throw new BadLine(`${path}.${index}: found ${inWords(name)} as the name of the function, expected text`);
    }
    const given = fromText(what['arguments'] ?? {}, `${path}.${index}.arguments`);
    if (!isRecord(given)) throw new BadLine(`${path}.${index}.arguments: found ${inWords(given)}, expected an object`);
    const { id } = call;
    return { ...(typeof id === 'string' && { id }), type: 'function', function: { name, arguments: given } };
  });
}

function objectsIn(value: unknown, path: string, expected: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw new BadLine(`${path}: found ${inWords(value)}, expected ${expected}`);
  for (const [index, item] of value.entries()) {
    if (!isRecord(item)) throw new BadLine(`${path}.${index}: found ${inWords(item)}, expected an object`);
    if (isDeeper(item, deepest)) {
      throw new BadLine(`${path}.${index}: is nested more than ${deepest} levels deep, expected less`);
    }
  }
  return value as Record<string, unknown>[];
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

function fromText(value: unknown, path: string): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new BadLine(`${path}: found text that is no JSON: ${(cause as Error).message.slice(0, 100)}`, { cause });
  }
}
