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

/** The schema gives it back when it is taken out, and what it is part of would be there without it, too: `lora: {}` is said. */
function isDefault(schema: z.ZodType, settings: object, path: readonly Key[], value: unknown): boolean {
  if (typeof path.at(-1) !== 'string') return false;
  const without = withoutSetting(schema, settings, path);
  if (JSON.stringify(at(without, path)) !== JSON.stringify(value)) return false;
  const first = path.slice(0, 1);
  const withoutAll = withoutSetting(schema, settings, first);
  return path.length === 1 || withoutAll === undefined || at(withoutAll, first) !== undefined;
}

/** The settings with what is taken out filled in; nothing where it must be there. */
function withoutSetting(schema: z.ZodType, settings: object, path: readonly Key[]): unknown {
  const without = structuredClone(settings);
  const holder = at(without, path.slice(0, -1)) as Record<Key, unknown>;
  delete holder[path.at(-1) as Key];
  const parsed = schema.safeParse(without);
  return parsed.success ? parsed.data : undefined;
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
