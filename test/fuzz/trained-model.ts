import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const path = fileURLToPath(new URL('../fixtures/trained', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(join(path, name), 'utf8'));

/** A small model directory that is whole. */
export const trainedModel = {
  path,
  config: read('config.json'),
  tokenizer: read('tokenizer.json'),
  tokenizerConfig: read('tokenizer_config.json'),
} as const;
