import { type CompressionCodec, type FileMetaData, parquetMetadata } from 'hyparquet';
import { parquetMagic } from '../../../contract/files/parquet-magic.ts';
import { DamagedParquet } from './damaged.ts';
import { columnsOf, leavesOf, type ParquetNode } from './schema.ts';
import { checkThrift } from './thrift.ts';

/** Metadata of more than 64 MiB or so many rows are refused before they fill the memory. */
const mostFooterBytes = 64 * 2 ** 20;
const mostRows = 2 ** 26;

/** What a file says of itself; all of it lies within the file. */
export interface Footer {
  readonly columns: readonly ParquetNode[];
  readonly rowGroups: readonly RowGroup[];
}

export interface RowGroup {
  readonly rows: number;
  /** Of every leaf, in their order. */
  readonly chunks: readonly Chunk[];
}

/** The values of a leaf in a row group, page after page. */
export interface Chunk {
  /** Where it begins and ends in the file, in bytes. */
  readonly start: number;
  readonly end: number;
  readonly values: number;
  readonly codec: CompressionCodec;
}

/** @param read bytes of the file @throws DamagedParquet */
export function readFooter(size: number, read: (start: number, end: number) => Uint8Array): Footer {
  if (size < 12) throw new DamagedParquet(`it has ${size} bytes, expected at least 12`);
  const tail = Buffer.from(read(size - 8, size));
  if (tail.toString('latin1', 4) !== parquetMagic)
    throw new DamagedParquet(`it does not end with ${parquetMagic}: is it whole?`);
  const length = tail.readUInt32LE(0);
  const start = size - 8 - length;
  if (start < parquetMagic.length || length > mostFooterBytes) {
    throw new DamagedParquet(
      `its metadata claims ${length} bytes of ${size}, expected at most ${Math.min(mostFooterBytes, size - 12)}`,
    );
  }
  const bytes = read(start, size);
  checkThrift(bytes.subarray(0, length));
  return describe(parse(bytes), start);
}

function parse(bytes: Uint8Array): FileMetaData {
  try {
    return parquetMetadata(bytes, { geoparquet: false });
  } catch (cause) {
    throw new DamagedParquet(`its metadata cannot be read (${(cause as Error).message.slice(0, 200)})`, { cause });
  }
}

function describe(metadata: FileMetaData, end: number): Footer {
  const columns = columnsOf(metadata.schema);
  const leaves = leavesOf(columns);
  const rowGroups = metadata.row_groups.flatMap((group, index): RowGroup[] => {
    const what = `row group ${index + 1}`;
    const rows = countOf(group.num_rows, `rows of ${what}`);
    if (rows === 0) return []; // as a table without rows is written, with offsets that mean nothing
    if (group.columns.length !== leaves.length) {
      throw new DamagedParquet(`${what} has ${group.columns.length} columns, expected ${leaves.length}`);
    }
    const chunks = group.columns.map((column, leaf) => chunkOf(column, leaves[leaf] as ParquetNode, end, what));
    return [{ rows, chunks }];
  });
  const rows = rowGroups.reduce((sum, group) => sum + group.rows, 0);
  const claimed = countOf(metadata.num_rows, 'rows');
  if (rows !== claimed) throw new DamagedParquet(`it claims ${claimed} rows, and its row groups ${rows}`);
  if (rows > mostRows) throw new DamagedParquet(`it claims ${rows} rows; at most ${mostRows} are read`);
  return { columns, rowGroups };
}

function chunkOf(
  { file_path: elsewhere, meta_data: meta }: FileMetaData['row_groups'][number]['columns'][number],
  leaf: ParquetNode,
  footerStart: number,
  group: string,
): Chunk {
  const what = `column ${leaf.name} of ${group}`;
  if (meta === undefined) throw new DamagedParquet(`${what} is encrypted or missing`);
  if (elsewhere) throw new DamagedParquet(`${what} lies in another file`);
  if (meta.type !== leaf.element.type) throw new DamagedParquet(`${what} is of another type than in the schema`);
  const data = countOf(meta.data_page_offset, `the offset of ${what}`);
  const dictionary = countOf(meta.dictionary_page_offset ?? 0, `the dictionary of ${what}`);
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = start + countOf(meta.total_compressed_size, `bytes of ${what}`);
  if (start < parquetMagic.length || end > footerStart) {
    throw new DamagedParquet(
      `${what} claims the bytes ${start} to ${end}, expected some in ${parquetMagic.length} to ${footerStart}`,
    );
  }
  return { start, end, values: countOf(meta.num_values, `values of ${what}`), codec: meta.codec };
}

function countOf(value: unknown, what: string): number {
  const count = typeof value === 'bigint' ? Number(value) : value;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  throw new DamagedParquet(`found no count of ${what}`);
}
