/** A part of the schema of a CustomResourceDefinition. */
export interface Schema {
  readonly [key: string]: unknown;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

/** Calls `each` with every part of a schema and its path, such as `.spec.stages[].name`. */
export function visitSchema(schema: Schema, path: string, each: (schema: Schema, path: string) => void): void {
  each(schema, path);
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    visitSchema(property, `${path}.${name}`, each);
  if (schema.items) visitSchema(schema.items, `${path}[]`, each);
  if (schema.additionalProperties) visitSchema(schema.additionalProperties, `${path}{}`, each);
}
