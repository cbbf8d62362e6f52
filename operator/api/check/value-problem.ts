export type Path = readonly (string | number)[];

/** One thing that is wrong with a value. */
export interface ValueProblem {
  readonly path: Path;
  readonly found: string;
  readonly expected: string;
  /** Without the path. */
  readonly message: string;
  /** To be known, and no reason to refuse anything. */
  readonly warning?: true;
  /** The schema has no such field. */
  readonly unknown?: true;
}

/** `spec.stages[2].grpo.rewards[0]` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[A-Za-z0-9_@-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function problemAt(path: Path, found: string, expected: string): ValueProblem {
  return { path, found, expected, message: `found ${found}, expected ${expected}` };
}

/** A value as a message shows it: lists and objects by what they are, as a person has not written them as JSON. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return describeObject(Object.keys(value));
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return shorten(text);
}

function describeObject(keys: readonly string[]): string {
  if (keys.length === 0) return 'an empty object';
  return shorten(`an object with ${keys.slice(0, 20).join(', ')}`);
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
