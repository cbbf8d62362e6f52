import { describe } from './value-problem.ts';

/**
 * What an object holds of the fields that a CEL rule reads, as YAML would have it: `atLeast: 1, atMost: 2`. Of an object
 * that a field holds only the field's name; lists are left out.
 *
 * @param rule an expression over `self`
 * @param self the object, with its defaults
 */
export function fieldsRead(rule: string, self: unknown): string {
  const paths = [...rule.matchAll(/\bself\.(\w+(?:\.\w+)*)\b(?!\()/g)].map(([, path = '']) => path);
  const held = [...new Set(paths)].flatMap((path) => shownAt(path, valueAt(self, path)));
  return held.length === 0 ? 'none' : held.join(', ');
}

function shownAt(path: string, value: unknown): string[] {
  if (value === undefined || Array.isArray(value)) return [];
  return [typeof value === 'object' ? path : `${path}: ${describe(value)}`];
}

function valueAt(self: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key], self);
}
