import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';

interface Schema {
  [key: string]: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  format?: string;
  type?: unknown;
  'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Where kubeconform finds what `writeJsonSchemas` wrote. */
export function schemaLocation(directory: string): string {
  return join(directory, '{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json');
}

/** Writes a strict JSON Schema of every kind of a cluster, custom resources included, from its own OpenAPI. */
export async function writeJsonSchemas(cluster: ControlPlane, directory: string): Promise<void> {
  const { definitions } = JSON.parse(await cluster.kubectl('get', '--raw', '/openapi/v2')) as {
    definitions: Record<string, Schema>;
  };
  for (const schema of Object.values(definitions)) closed(schema);
  await writeFile(join(directory, 'definitions.json'), JSON.stringify({ definitions }));
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      const file = `${group || version}-${version}-${kind.toLowerCase()}.json`;
      await writeFile(join(directory, file), JSON.stringify({ $ref: `definitions.json#/definitions/${name}` }));
    }
  }
}

/** What Kubernetes means and OpenAPI does not say: unknown fields are refused, some fields are numbers or texts. */
function closed(schema: Schema): void {
  if (schema.format === 'int-or-string') schema.type = ['integer', 'string'];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.properties !== undefined && !open) schema.additionalProperties ??= false;
  for (const part of Object.values(schema)) visit(part);
}

function visit(part: unknown): void {
  if (Array.isArray(part)) part.forEach(visit);
  else if (typeof part === 'object' && part !== null) closed(part as Schema);
}
