import { celEnv, isCelError, isCelList, parse, plan, type CelInput, type CelResult } from '@bufbuild/cel';
import type { StructuralSchema } from './structural-schema.ts';

const environment = celEnv();

const compiled = new Map<string, (context: Record<string, CelInput>) => CelResult>();

/**
 * Evaluates a rule's expression over `self`.
 *
 * @returns a plain value; lists are arrays
 * @throws Error when the expression does not parse, or fails for this value
 */
export function evaluateCel(expression: string, self: CelInput): unknown {
  let run = compiled.get(expression);
  if (run === undefined) {
    run = plan(environment, parse(expression));
    compiled.set(expression, run);
  }
  const result = run({ self });
  if (isCelError(result)) throw result;
  return toPlain(result);
}

function toPlain(value: unknown): unknown {
  return isCelList(value) ? [...value].map(toPlain) : value;
}

/** A JSON value with CEL's types: an integer by its schema becomes a bigint, every other number stays a double. */
export function toCel(value: unknown, schema: StructuralSchema): CelInput {
  switch (typeof value) {
    case 'number': {
      const integer = schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true;
      return integer && Number.isInteger(value) ? BigInt(value) : value;
    }
    case 'string':
    case 'boolean':
      return value;
    default:
      break;
  }
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null) return null;
  return new Map(
    Object.entries(value).map(([key, each]) => [
      key,
      toCel(each, schema.properties?.[key] ?? schema.additionalProperties ?? {}),
    ]),
  );
}
