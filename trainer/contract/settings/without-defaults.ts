import { z } from 'zod';

/** As much of a JSON Schema as is looked at here. */
interface Described {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: Described | boolean;
}

/**
 * A function that leaves out of a value what its schema would fill in, at every depth, and puts the keys in order: a field
 * that is absent and one that says what the schema says anyway come to the same. So what is made of it stays what it was when
 * a later version of the schema has one more field with a default, also for an earlier version that does not know the field but
 * is given it by an API server that does. What has no default, such as the kind of a reward, stays, even if it is empty.
 */
export function withoutDefaults(schema: z.ZodType): <T>(value: T) => Partial<T> {
  let described: Described | undefined;
  return (value) => {
    described ??= z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as Described;
    return strip(value, described) as Partial<typeof value>;
  };
}

function strip(value: unknown, schema: Described | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => strip(each, schema?.items));
  if (typeof value !== 'object' || value === null) return value;
  const { properties, additionalProperties } = schema ?? {};
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  const kept = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, each]) => {
      if (properties !== undefined && others === undefined && !(key in properties)) return [];
      const field = properties?.[key] ?? others;
      const content = strip(each, field);
      return each === undefined || isDefault(content, field) ? [] : [[key, content] as const];
    });
  return Object.fromEntries(kept);
}

function isDefault(stripped: unknown, field: Described | undefined): boolean {
  if (field?.default === undefined) return false;
  return JSON.stringify(stripped) === defaultOf(field);
}

const defaults = new WeakMap<Described, string | undefined>();

/** The default of a field without its own defaults, as JSON; it is asked for with every value of the field. */
function defaultOf(field: Described): string | undefined {
  if (!defaults.has(field)) defaults.set(field, JSON.stringify(strip(field.default, field)));
  return defaults.get(field);
}
