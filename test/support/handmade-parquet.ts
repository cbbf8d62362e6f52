import type { ColumnMetaData, FileMetaData, PageHeader, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';

const magic = 0x31_52_41_50;

/** A Parquet file of one column and row group, of which every number can be a lie. */
export interface Handmade {
  /** The root and its parts. */
  readonly schema?: readonly Partial<SchemaElement>[];
  readonly pages: readonly { readonly header: PageHeader; readonly bytes: readonly number[] }[];
  /** Of the row group, and unless it is given of the file. */
  readonly rows: number;
  readonly rowsOfFile?: number;
  readonly chunk?: Partial<Record<keyof ColumnMetaData, unknown>>;
}

/** Text in a page of the first version: `bytes` are the values, after definition levels that say that all are there. */
export function plainPage(
  values: number,
  bytes: readonly number[],
  lies: Partial<PageHeader> = {},
): Handmade['pages'][number] {
  const header = {
    type: 'DATA_PAGE',
    uncompressed_page_size: bytes.length,
    compressed_page_size: bytes.length,
    ...lies,
  };
  const levels = { encoding: 'PLAIN', definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' } as const;
  return { header: { data_page_header: { num_values: values, ...levels }, ...header } as PageHeader, bytes };
}

export function handmadeParquet({
  schema = requiredText,
  pages,
  rows,
  rowsOfFile = rows,
  chunk,
}: Handmade): Uint8Array {
  const writer = new ByteWriter();
  writer.appendUint32(magic);
  for (const { header, bytes } of pages) {
    writePageHeader(writer, header);
    writer.appendBytes(Uint8Array.from(bytes));
  }
  const meta = {
    type: 'BYTE_ARRAY',
    encodings: ['PLAIN'],
    path_in_schema: ['prompt'],
    codec: 'UNCOMPRESSED',
    num_values: rows,
    total_uncompressed_size: writer.offset - 4,
    total_compressed_size: writer.offset - 4,
    data_page_offset: 4,
    ...chunk,
  };
  const columns = [{ file_offset: 0n, meta_data: Object.fromEntries(Object.entries(meta).map(asLong)) }];
  const metadata = {
    version: 2,
    schema,
    num_rows: BigInt(rowsOfFile),
    row_groups: [{ columns, total_byte_size: 0n, num_rows: BigInt(rows) }],
  };
  writeMetadata(writer, metadata as unknown as FileMetaData);
  writer.appendUint32(magic);
  return new Uint8Array(writer.getBuffer());
}

const requiredText: readonly Partial<SchemaElement>[] = [
  { name: 'root', num_children: 1 },
  { name: 'prompt', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
];

/** Numbers of a chunk have 64 bits. */
function asLong([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'number' ? BigInt(value) : value];
}
