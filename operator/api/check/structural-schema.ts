import { z } from 'zod';
import type { Rule } from '../../../trainer/contract/settings/schema.ts';

/** The structural subset of OpenAPI v3 that a CustomResourceDefinition may hold, as far as it is used here. */
export interface StructuralSchema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  format?: string;
  default?: unknown;
  enum?: readonly unknown[];
  properties?: Record<string, StructuralSchema>;
  required?: readonly string[];
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  maxProperties?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  'x-kubernetes-validations'?: readonly Rule[];
  'x-kubernetes-list-type'?: 'map';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic';
  'x-kubernetes-int-or-string'?: true;
  'x-kubernetes-preserve-unknown-fields'?: true;
}

const copied = [
  'type',
  'description',
  'format',
  'default',
  'enum',
  'required',
  'maxProperties',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'pattern',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const;

/**
 * Translates a zod schema.
 *
 * @throws Error for what a structural schema cannot say (unions, references, tuples): a mistake in the schema itself
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return convert(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as Json, '');
}

type Json = Record<string, unknown>;

function convert(json: Json, path: string): StructuralSchema {
  if (json['x-kubernetes-int-or-string'] === true) return intOrString(json);

  const schema: Json = {};
  for (const key of copied) if (json[key] !== undefined) schema[key] = json[key];
  const known = new Set<string>([...copied, 'properties', 'items', 'additionalProperties', 'propertyNames', '$schema']);
  const foreign = Object.keys(json).filter((key) => !known.has(key));
  if (foreign.length > 0)
    throw new Error(`${path || 'schema'}: ${foreign.join(', ')} cannot be in a structural schema`);

  if (json.type === 'integer') {
    // zod bounds every integer by what a double holds exactly; only bounds that someone chose are worth stating.
    if (json.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
    if (json.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
    schema.format = 'int64';
  }
  if (json.properties !== undefined) {
    schema.properties = Object.fromEntries(
      Object.entries(json.properties as Record<string, Json>).map(([key, each]) => [
        key,
        convert(each, `${path}.${key}`),
      ]),
    );
  }
  if (json.items !== undefined) schema.items = convert(json.items as Json, `${path}[]`);
  // `false` is what pruning means in a CRD, where it may not be written; `{}` keeps unknown fields.
  if (typeof json.additionalProperties === 'object' && json.additionalProperties !== null) {
    const values = json.additionalProperties as Json;
    if (Object.keys(values).length === 0) schema['x-kubernetes-preserve-unknown-fields'] = true;
    else schema.additionalProperties = convert(values, `${path}{}`);
  }
  return schema;
}

function intOrString(json: Json): StructuralSchema {
  const pattern = (json.anyOf as Json[]).find(({ type }) => type === 'string')?.pattern;
  return {
    ...(json.description === undefined ? {} : { description: json.description as string }),
    ...(json.default === undefined ? {} : { default: json.default }),
    ...(pattern === undefined ? {} : { pattern: pattern as string }),
    'x-kubernetes-int-or-string': true,
  };
}
