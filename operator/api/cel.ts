import { Environment } from '@marcbachmann/cel-js';
import type { StructuralSchema } from './structural-schema.ts';

/** The part of the Kubernetes CEL environment that the rules use and the library lacks. */
const environment = new Environment({ enableOptionalTypes: true })
  .registerVariable('self', 'dyn')
  .registerFunction('list.indexOf(dyn): int', (list: unknown[], item: unknown) => BigInt(list.indexOf(item)));

const compiled = new Map<string, (context: Record<string, unknown>) => unknown>();

/** Evaluates a rule's expression over `self`, a value of `schema`. Throws what the library throws. */
export function evaluateCel(expression: string, self: unknown): unknown {
  let run = compiled.get(expression);
  if (run === undefined) {
    run = environment.parse(expression) as (context: Record<string, unknown>) => unknown;
    compiled.set(expression, run);
  }
  return run({ self });
}

/** A JSON value with CEL's types: an integer by its schema becomes a bigint, every other number stays a double. */
export function toCel(value: unknown, schema: StructuralSchema): unknown {
  if (typeof value === 'number') {
    const integer = schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true;
    return integer && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema.items ?? {}));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        toCel(each, schema.properties?.[key] ?? schema.additionalProperties ?? {}),
      ]),
    );
  }
  return value;
}
