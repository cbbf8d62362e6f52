import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';

/** Compares objects with a YAML file of several documents; `R1_UPDATE_GOLDEN=1` writes the file instead. */
export function expectGolden(file: string, objects: readonly object[]): void {
  if (process.env['R1_UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    const documents = objects.map((object) => stringify(object, { lineWidth: 120, aliasDuplicateObjects: false }));
    writeFileSync(file, documents.join('---\n'));
  }
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as object);
  expect(JSON.parse(JSON.stringify(objects))).toEqual(documents);
}
