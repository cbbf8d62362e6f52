import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import type { PageHeader, SchemaElement } from 'hyparquet';
import { UserError } from '../../../../../trainer/contract/process/errors.ts';
import { columnsOf } from '../../../../../trainer/data/files/parquet/schema.ts';
import { readParquet } from '../../../../../trainer/data/files/parquet/read-parquet.ts';
import { type Handmade, handmadeParquet, plainPage } from '../../../../support/handmade-parquet.ts';
import { parquetOf } from '../../../../support/parquet-rows.ts';
import { useTemporaryDirectory } from '../../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

function read(bytes: Uint8Array): unknown[] {
  const file = join(directory(), 'rows.parquet');
  writeFileSync(file, bytes);
  return [...readParquet(file, () => true)].map((row) => JSON.parse(row) as unknown);
}

/** What is said of a file, after its name. */
function refusal(bytes: Uint8Array): string {
  try {
    return `read: ${JSON.stringify(read(bytes))}`;
  } catch (error) {
    if (error instanceof UserError) return error.message.replaceAll(join(directory(), 'rows.parquet'), 'FILE');
    throw error;
  }
}

const a = [1, 0, 0, 0, 97];
const good: Handmade = { pages: [plainPage(1, a)], rows: 1 };

test('a file made by hand is read', () => {
  expect(read(handmadeParquet(good))).toEqual([{ prompt: 'a' }]);
});

const list = (elements: SchemaElement[]): SchemaElement[] => [{ name: 'root', num_children: 1 }, ...elements];
const optional = list([{ name: 'prompt', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }]);
const repeated = list([{ name: 'prompt', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REPEATED' }]);
const huge = 2 ** 31 - 1;
/** Lengths of four bytes, and levels: a run of 2^31 − 1 numbers. */
const run = (value: number): number[] => [6, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, value];
const of = (lies: Partial<PageHeader>): PageHeader =>
  ({ uncompressed_page_size: 0, compressed_page_size: 0, ...lies }) as PageHeader;

const refused: readonly { name: string; file: Handmade; says: string }[] = [
  {
    name: 'more rows than are read',
    file: { ...good, rows: huge },
    says: `it claims ${huge} rows; at most 67108864 are read`,
  },
  {
    name: 'more rows than its row groups',
    file: { ...good, rowsOfFile: 2 },
    says: 'it claims 2 rows, and its row groups 1',
  },
  {
    name: 'more rows than values',
    file: { ...good, rows: 2, chunk: { num_values: 1 } },
    says: 'found columns of different lengths',
  },
  {
    name: 'fewer rows than values',
    file: { ...good, pages: [plainPage(2, [...a, ...a])], chunk: { num_values: 2 } },
    says: 'found more than 1 rows in a row group',
  },
  { name: 'more values than pages', file: { ...good, rows: 2 }, says: 'column prompt has fewer values than it claims' },
  {
    name: 'more values than a page holds',
    file: { pages: [plainPage(huge, a)], rows: 3 },
    says: 'found fewer values than its page claims',
  },
  {
    name: 'a page beyond the end of the file',
    file: { ...good, pages: [plainPage(1, a, { compressed_page_size: huge })] },
    says: `found a page that claims ${huge} bytes, at most 5 are read`,
  },
  {
    name: 'a page of gigabytes',
    file: { ...good, pages: [plainPage(1, a, { uncompressed_page_size: huge })], chunk: { codec: 'SNAPPY' } },
    says: `found a page that claims ${huge} bytes, at most 134217728 are read`,
  },
  {
    name: 'a page that decompresses to more than it claims',
    file: {
      ...good,
      pages: [plainPage(1, [...gzipSync(Buffer.alloc(100_000))], { uncompressed_page_size: 100 })],
      chunk: { codec: 'GZIP' },
    },
    says: 'found a page that is no GZIP of 100 bytes',
  },
  {
    name: 'a literal of a negative length in Snappy',
    file: {
      ...good,
      pages: [plainPage(1, [5, 0xfc, 0xf0, 0xff, 0xff, 0xff], { uncompressed_page_size: 5 })],
      chunk: { codec: 'SNAPPY' },
    },
    says: 'found a page that is no SNAPPY of 5 bytes',
  },
  {
    name: 'a column beyond the end of the file',
    file: { ...good, chunk: { total_compressed_size: 2 ** 40 } },
    says: `column prompt of row group 1 claims the bytes 4 to ${2 ** 40 + 4}`,
  },
  {
    name: 'a compression that is not read',
    file: { ...good, chunk: { codec: 'LZO' } },
    says: 'found compression LZO, expected one of UNCOMPRESSED, SNAPPY, GZIP, BROTLI, ZSTD',
  },
  {
    name: 'an encoding that is not read',
    file: {
      ...good,
      pages: [
        plainPage(1, a, {
          data_page_header: { ...plainPage(1, a).header.data_page_header, encoding: 'BIT_PACKED' } as never,
        }),
      ],
    },
    says: 'column prompt is in the encoding BIT_PACKED, which is not read',
  },
  {
    name: 'a row that begins within another',
    file: {
      schema: repeated,
      rows: 1,
      pages: [plainPage(huge, [...run(1), ...run(1)])],
      chunk: { num_values: huge },
    },
    says: 'found columns of different lengths',
  },
  {
    name: 'a list of 2^31 empty texts from a dictionary',
    file: {
      schema: repeated,
      rows: 1,
      pages: [
        {
          header: of({
            type: 'DICTIONARY_PAGE',
            uncompressed_page_size: 4,
            compressed_page_size: 4,
            dictionary_page_header: { num_values: 1, encoding: 'PLAIN' } as never,
          }),
          bytes: [0, 0, 0, 0],
        },
        plainPage(
          huge,
          [8, 0, 0, 0, 2, 0, 0xfc, 0xff, 0xff, 0xff, 0x0f, 1, ...run(1), 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0],
          {
            data_page_header: {
              num_values: huge,
              encoding: 'RLE_DICTIONARY',
              definition_level_encoding: 'RLE',
              repetition_level_encoding: 'RLE',
            },
          },
        ),
      ],
      chunk: { num_values: huge },
    },
    says: 'found a row of more than 16777216 characters or 1048576 parts as JSON',
  },
  {
    name: 'a dictionary of 2^31 values',
    file: {
      ...good,
      pages: [
        {
          header: of({
            type: 'DICTIONARY_PAGE',
            dictionary_page_header: { num_values: huge, encoding: 'PLAIN' } as never,
          }),
          bytes: [],
        },
      ],
    },
    says: `found a dictionary of ${huge} values in 0 bytes`,
  },
  {
    name: 'differences of 2^31 values',
    file: {
      ...good,
      pages: [
        plainPage(huge, [0x80, 1, 4, 0xff, 0xff, 0xff, 0xff, 7, 0, 0], {
          data_page_header: {
            num_values: huge,
            encoding: 'DELTA_BYTE_ARRAY',
            definition_level_encoding: 'RLE',
            repetition_level_encoding: 'RLE',
          },
        }),
      ],
    },
    says: `found a page of ${huge} differences, at most 4194304 are read`,
  },
  {
    name: 'differences in blocks of no size',
    file: {
      ...good,
      pages: [
        plainPage(1, [0, 0, 1, 0, 0], {
          data_page_header: {
            num_values: 1,
            encoding: 'DELTA_LENGTH_BYTE_ARRAY',
            definition_level_encoding: 'RLE',
            repetition_level_encoding: 'RLE',
          },
        }),
      ],
    },
    says: 'found blocks of 0 differences in 0 parts',
  },
  {
    name: 'bytes that are no text',
    file: { ...good, schema: list([{ name: 'prompt', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' }]) },
    says: 'column prompt holds bytes, expected text, numbers, lists or objects',
  },
  {
    name: 'text that is no UTF-8',
    file: { ...good, pages: [plainPage(1, [1, 0, 0, 0, 255])] },
    says: 'prompt: found bytes that are no UTF-8',
  },
  {
    name: 'levels that end early',
    file: { ...good, schema: optional },
    says: 'found fewer numbers than its page claims',
  },
];

test.each(refused)('$name: refused in words', ({ file, says }) => {
  expect(refusal(handmadeParquet(file))).toContain(`: cannot be read as Parquet: ${says}`);
});

test.each<{ name: string; schema: SchemaElement[]; says: string }>([
  {
    name: 'that claims more columns than it has',
    schema: [{ name: 'root', num_children: huge }],
    says: `column root claims ${huge} parts of 0`,
  },
  {
    name: 'that is deep',
    schema: Array.from({ length: 1000 }, () => ({ name: 'deep', num_children: 1, repetition_type: 'OPTIONAL' })),
    says: 'its schema is nested more than 32 levels deep',
  },
  {
    name: 'with parts of no column',
    schema: [
      { name: 'root', num_children: 1 },
      { name: 'a', type: 'INT32' },
      { name: 'b', type: 'INT32' },
    ],
    says: 'its schema has parts that belong to no column',
  },
])('a schema $name is refused', ({ schema, says }) => {
  expect(() => columnsOf(schema)).toThrow(says);
});

test('a fault in a later row is named with the row', () => {
  const file = handmadeParquet({ pages: [plainPage(2, [...a, 9, 0, 0, 0, 97])], rows: 2 });
  expect(refusal(file)).toBe('FILE:2: cannot be read as Parquet: found fewer values than its page claims');
});

test.each([0, 1, 5, 12, 40, 100])('a file of which %d bytes are missing at the end is refused', (missing) => {
  const bytes = parquetOf([{ prompt: 'a' }], { prompt: 'STRING' });
  const says = refusal(bytes.subarray(0, bytes.length - missing));
  if (missing === 0) expect(says).toBe('read: [{"prompt":"a"}]');
  else expect(says).toContain('FILE: cannot be read as Parquet: it does not end with PAR1: is it whole?');
});

test('metadata that claims a list of 2^31 items is refused before a list is made', () => {
  const footer = Buffer.from([0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 7]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  expect(refusal(Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]))).toBe(
    'FILE: cannot be read as Parquet: its metadata claims a list of 2147483647 items in 0 bytes',
  );
});
