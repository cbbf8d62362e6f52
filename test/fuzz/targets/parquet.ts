import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { openRowFile } from '../../../trainer/data/files/row-file.ts';
import { type Handmade, handmadeParquet, plainPage } from '../../support/handmade-parquet.ts';
import { parquetOf } from '../../support/parquet-rows.ts';
import { damagedBytes, damagedJson } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/parquet');
const whole: readonly Uint8Array[] = [
  ...readdirSync(fixtures)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => readFileSync(join(fixtures, name))),
  parquetOf(
    Array.from({ length: 8 }, (_, index) => ({ prompt: `p${index}`, answer: index, messages: [{ role: 'user' }] })),
    { prompt: 'STRING', answer: 'INT64', messages: 'MESSAGES' },
  ),
];

const text = [1, 0, 0, 0, 97];
const levels = [2, 0, 0, 0, 4, 1];
const optional = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const;
const handmade: readonly Handmade[] = [
  { pages: [plainPage(2, [...text, ...text])], rows: 2 },
  {
    schema: [
      { name: 'root', num_children: 1 },
      { ...optional, name: 'prompt' },
    ],
    pages: [plainPage(2, [...levels, ...text, ...text])],
    rows: 2,
    chunk: { codec: 'UNCOMPRESSED', total_compressed_size: 60, data_page_offset: 4, dictionary_page_offset: 0 },
  },
];

/** A Parquet file, read to the last value of every column. */
export const parquet: FuzzTarget = {
  name: 'Parquet',
  mostMiB: 600,
  inputs: () =>
    fc.oneof(
      damagedBytes(whole),
      overwrittenBytes(whole),
      // Numbers of pages and metadata that the rest of the file does not bear out.
      damagedJson(handmade).map(fileOf),
    ),
  async open(directory) {
    const path = join(directory, 'rows.parquet');
    return {
      async read(input) {
        await writeFile(path, input);
        const rows = await openRowFile(path, ({ value }) => value as Row);
        for (const row of rows) void row;
      },
    };
  },
};

/** Files in which bytes are others, and all stay where they are. */
function overwrittenBytes(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    /** From the end: metadata lies there. */
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((share) => share ** 2),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.constantFrom([0xff], [0], [0xff, 0xff, 0xff, 0xff, 0x0f], [0xfe, 0xff, 0xff, 0xff, 0x0f], [0x19, 0xfc]),
    ),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([seed, edits]) => {
    const bytes = Uint8Array.from(seed);
    for (const { at, bytes: others } of edits) {
      const start = Math.max(0, Math.floor((1 - at) * (bytes.length - 8)) - others.length);
      bytes.set(others, start);
    }
    return bytes;
  });
}

/** What the writer cannot write has no file. */
function fileOf(description: unknown): Uint8Array {
  try {
    return handmadeParquet(description as Handmade);
  } catch {
    return new Uint8Array(0);
  }
}
