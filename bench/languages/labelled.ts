import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Labelled {
  /** An ISO 639-1 code, or `none` for formulas, code, numbers and names. */
  readonly label: string;
  readonly text: string;
}

const directory = join(import.meta.dirname, '../../test/fixtures/languages');

/** The labelled set: one file a language, one sentence of a worked solution a line. */
export function labelledSet(): Labelled[] {
  return readdirSync(directory).flatMap((file) =>
    readFileSync(join(directory, file), 'utf8')
      .trim()
      .split('\n')
      .map((text) => ({ label: file.replace('.txt', ''), text })),
  );
}
