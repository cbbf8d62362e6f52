import type { SchemaElement } from 'hyparquet';
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const;

/** A column of plain values, of texts that are not said to be any, or of lists of messages. */
export type ColumnType = Extract<BasicType, 'STRING' | 'INT64' | 'DOUBLE' | 'BOOLEAN'> | 'BYTES' | 'MESSAGES';

/** A Parquet file of rows with small pages and row groups, as the hub has them. */
export function parquetOf(rows: readonly object[], columns: Readonly<Record<string, ColumnType>>): Uint8Array {
  const names = Object.keys(columns);
  const schema: SchemaElement[] = [
    { name: 'root', num_children: names.length },
    ...names.flatMap((name) => elementsOf(name, columns[name] as ColumnType)),
  ];
  const columnData = names.map((name) => ({
    name,
    data: rows.map((row) => stored((row as Record<string, unknown>)[name], columns[name] as ColumnType)),
  }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData, rowGroupSize: 3, pageSize: 64 }));
}

/** The writer takes integers of 64 bits as bigints. */
function stored(value: unknown, type: ColumnType): unknown {
  return type === 'INT64' && typeof value === 'number' ? BigInt(value) : (value ?? null);
}

function elementsOf(name: string, type: ColumnType): SchemaElement[] {
  if (type === 'STRING') return [{ ...text, name }];
  if (type === 'BYTES') return [{ type: 'BYTE_ARRAY', name, repetition_type: 'OPTIONAL' }];
  if (type !== 'MESSAGES') return [{ type, name, repetition_type: 'OPTIONAL' }];
  return [
    { name, converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', num_children: 4 },
    ...['role', 'content', 'from', 'value'].map((part) => ({ ...text, name: part })),
  ];
}
