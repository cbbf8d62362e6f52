import type { StructuralSchema } from './structural-schema.ts';

const patternsInWords: Record<string, string> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'of lower-case letters, digits and hyphens',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$': 'of lower-case letters, digits, hyphens and dots',
  '^[0-9a-f]{64}$': 'of 64 hexadecimal digits',
  '^[A-Za-z0-9_@/.-]+$': 'of letters, digits and _ @ / . -',
  '^[A-Za-z0-9_.-]+(\\/[A-Za-z0-9_.-]+)?$': 'of letters, digits and _ . - with one / at most',
  '^[A-Za-z0-9_.-]+(\\/[A-Za-z0-9_.-]+)*$': 'of letters, digits and _ . - with / between them',
  '^([A-Za-z0-9_.-]+(\\/[A-Za-z0-9_.-]+)*)?$': 'of letters, digits and _ . - with / between them',
};

/** What a schema asks for, in words. */
export function expectation(schema: StructuralSchema): string {
  if (schema.enum !== undefined) return `${schema.enum.length === 1 ? '' : 'one of '}${schema.enum.join(', ')}`;
  switch (schema.type) {
    case 'object':
      return schema.properties === undefined ? 'a map' : `an object with ${Object.keys(schema.properties).join(', ')}`;
    case 'array':
      return 'a list';
    case 'boolean':
      return 'true or false';
    case 'string': {
      const length =
        schema.maxLength === undefined ? '' : ` of ${range(schema.minLength ?? 0, schema.maxLength)} characters`;
      const pattern = schema.pattern;
      if (pattern === undefined) return schema.format === 'date-time' ? 'a time' : `text${length}`;
      return `text${length}${length === '' ? '' : ','} ${patternsInWords[pattern] ?? `matching ${pattern}`}`;
    }
    case 'integer':
    case 'number': {
      const what = schema.type === 'integer' ? 'an integer' : 'a number';
      const { minimum, maximum } = schema;
      if (minimum !== undefined && maximum !== undefined) return `${what} from ${minimum} to ${maximum}`;
      if (minimum !== undefined) return `${what} of at least ${minimum}`;
      return maximum === undefined ? what : `${what} of at most ${maximum}`;
    }
    default:
      return 'a value';
  }
}

/** `2 to 5` */
export function range(from: number, to: number): string {
  if (from === to) return String(from);
  return to === Infinity ? `at least ${from}` : `${from} to ${to}`;
}
