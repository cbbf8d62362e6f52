import type { z } from 'zod';

/** One setting of a stage, such as `kl.coefficient`. */
export interface SettingRow {
  readonly path: string;
  readonly value: unknown;
  /** Leaving it out of the manifest would give the same. */
  readonly isDefault: boolean;
}

type Key = string | number;

/** Every setting of an object in the order of its schema. @param schema knows the defaults */
export function settingsRows(schema: z.ZodType, settings: Readonly<Record<string, unknown>>): SettingRow[] {
  return leaves(settings).map(({ path, value }) => ({
    path: showPath(path),
    value,
    isDefault: isDefault(schema, settings, path, value),
  }));
}

/** Values and lists of values; `{}`, such as that of a reward without settings, is one too. */
function leaves(value: unknown, path: readonly Key[] = []): { path: readonly Key[]; value: unknown }[] {
  const inner = entriesOf(value);
  return inner === undefined ? [{ path, value }] : inner.flatMap(([key, each]) => leaves(each, [...path, key]));
}

function entriesOf(value: unknown): [Key, unknown][] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const inner: [Key, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const holdsObjects = inner.some(([, each]) => typeof each === 'object' && each !== null);
  return inner.length === 0 || (Array.isArray(value) && !holdsObjects) ? undefined : inner;
}

/** The schema gives it back when it is taken out. */
function isDefault(schema: z.ZodType, settings: object, path: readonly Key[], value: unknown): boolean {
  const last = path.at(-1);
  if (typeof last !== 'string') return false;
  const without = structuredClone(settings);
  const holder = at(without, path.slice(0, -1)) as Record<string, unknown>;
  delete holder[last];
  const parsed = schema.safeParse(without);
  return parsed.success && JSON.stringify(at(parsed.data, path)) === JSON.stringify(value);
}

function at(value: unknown, path: readonly Key[]): unknown {
  return path.reduce((inner: unknown, key) => (inner as Record<Key, unknown> | undefined)?.[key], value);
}

function showPath(path: readonly Key[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}
