import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkValue } from '../../../../operator/api/check/check-value.ts';
import { customResourceDefinitions } from '../../../../operator/api/generate/crd.ts';
import { generatedFiles } from '../../../../operator/api/generate/generated-files.ts';
import { manifestReference } from '../../../../operator/api/generate/manifest-reference.ts';
import { schemaOf, validateManifest } from '../../../../operator/api/manifest.ts';
import { type Schema, visitSchema } from '../../../support/visit-schema.ts';

const root = join(import.meta.dirname, '../../../..');

test.each([...generatedFiles()])('%s is what the schemas say (npm run generate)', (path, text) => {
  expect(readFileSync(join(root, path), 'utf8')).toBe(text);
});

/** What a structural schema may hold at most (KEP-1693) of what zod can produce. */
const allowed = new Set([
  'type',
  'description',
  'format',
  'default',
  'enum',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'maxProperties',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'pattern',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-int-or-string',
]);

/** Parts of a pod that nobody but the API server checks, when the pod is made; and variables of a model's chat template. */
const unknownFields = /[.](affinity|topologySpreadConstraints\[\]|chat\.arguments)$/;

test.each([...customResourceDefinitions()])('%s is structural, bounded and described', (_, definition) => {
  const { openAPIV3Schema } =
    (definition as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } }).spec.versions[0]?.schema ?? {};
  const problems: string[] = [];
  visitSchema(openAPIV3Schema ?? {}, '', (schema, path) => {
    for (const key of Object.keys(schema)) {
      const free = key === 'x-kubernetes-preserve-unknown-fields' && unknownFields.test(path);
      if (!allowed.has(key) && !free) problems.push(`${path}: ${key}`);
    }
    if (schema.type === undefined && schema['x-kubernetes-int-or-string'] === undefined)
      problems.push(`${path}: no type`);
    if (schema.properties && schema.additionalProperties) problems.push(`${path}: properties and additionalProperties`);
    if (!path.startsWith('.spec')) return;
    if (schema.type === 'array' && schema.maxItems === undefined) problems.push(`${path}: no maxItems`);
    const bounded = schema.maxLength !== undefined || schema.enum !== undefined;
    if (schema.type === 'string' && !bounded) problems.push(`${path}: no maxLength`);
    if (schema.description === undefined && !/(\[\]|\{\})$/.test(path)) problems.push(`${path}: no description`);
  });
  expect(problems).toEqual([]);
});

test('every default is valid where it stands', () => {
  for (const kind of ['R1Pipeline', 'R1Stage'] as const) {
    visitSchema(schemaOf(kind) as Schema, kind, (schema, path) => {
      if (schema.default === undefined) return;
      const { problems } = checkValue(schema, structuredClone(schema.default));
      expect({ path, problems }).toEqual({ path, problems: [] });
    });
  }
});

test('the manifests in the reference are valid', () => {
  const blocks = [...manifestReference().matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
  expect(blocks).toHaveLength(1);
  for (const text of blocks) expect(validateManifest(text, 'reference').problems).toEqual([]);
});

test('printer columns are those of the design', () => {
  const columns = [...customResourceDefinitions().values()].map((definition) => {
    const { additionalPrinterColumns } = (
      definition as { spec: { versions: { additionalPrinterColumns: { name: string; priority?: number }[] }[] } }
    ).spec.versions[0] ?? { additionalPrinterColumns: [] };
    return additionalPrinterColumns.map(({ name, priority }) => (priority === 1 ? `(${name})` : name)).join(' ');
  });
  expect(columns).toEqual([
    'STATE STAGE PROGRESS ETA GPU-H RESTARTS WARNINGS AGE (REWARD) (PASS@1) (QUEUE) MESSAGE',
    'PIPELINE TYPE STATE STEP PROGRESS REWARD LOSS ATTEMPT WARNINGS AGE (PASS@1) (KL) (NODE) (DEVICE) (WORKERS) (CHECKPOINT) MESSAGE',
  ]);
});
