import type { ColumnReader } from './column-reader.ts';
import { DamagedParquet } from './damaged.ts';
import { jsonWriterOf } from './json-value.ts';
import type { ParquetNode } from './schema.ts';

/** Of a row as JSON: as many as the bytes of the longest line. */
const mostCharacters = 16 * 2 ** 20;
/** Values, names and commas. */
const mostParts = 2 ** 20;

/** Writes the parts of a row one after the other. */
class RowText {
  private parts: string[] = [];
  private characters = 0;

  /** @throws DamagedParquet for a row that would fill the memory: in a file, long lists can take no room at all */
  add(part: string): void {
    this.characters += part.length;
    this.parts.push(part);
    if (this.characters <= mostCharacters && this.parts.length <= mostParts) return;
    throw new DamagedParquet(`found a row of more than ${mostCharacters} characters or ${mostParts} parts as JSON`);
  }

  take(): string {
    const text = this.parts.join('');
    this.parts = [];
    this.characters = 0;
    return text;
  }
}

/** Writes what a node holds in the row that its leaves are at, and leaves them behind it. */
type Write = (leaves: readonly ColumnReader[], text: RowText) => void;

/** Whether the column of a name is read; `ifReadable` leaves out one that JSON cannot hold. */
export type IsWanted = (column: string) => boolean | 'ifReadable';

/** Writes rows as JSON objects. */
export class RowWriter {
  private readonly text = new RowText();
  private readonly write: Write;
  /** Places of the leaves that are read. */
  readonly leaves: readonly number[];

  /**
   * @param columns of the file
   * @param isWanted whether a column is read; of the others the names alone stand in a row
   * @throws DamagedParquet for a wanted column that JSON cannot hold
   */
  constructor(columns: readonly ParquetNode[], isWanted: IsWanted) {
    const held = columns.filter((column) => isWanted(column.name) !== 'ifReadable' || isReadable(column));
    this.write = objectOf(
      held.map((column) => ({
        name: column.name,
        write: isWanted(column.name) === false ? textOf(outline(column.children)) : writerOf(column, column.name),
      })),
    );
    this.leaves = held
      .filter(({ name }) => isWanted(name) !== false)
      .flatMap(({ leaves: [first, end] }) => Array.from({ length: end - first }, (_, index) => first + index));
  }

  /** @param leaves by their places; all are left at the next row @throws DamagedParquet */
  row(leaves: readonly ColumnReader[]): string {
    this.write(leaves, this.text);
    return this.text.take();
  }
}

function isReadable(column: ParquetNode): boolean {
  try {
    writerOf(column, column.name);
    return true;
  } catch (error) {
    if (error instanceof DamagedParquet) return false;
    throw error;
  }
}

/** What a column that is not read would look like: true for each value. */
function outline(children: readonly ParquetNode[]): unknown {
  if (children.length === 0) return true;
  if (children.some(({ isRepeated }) => isRepeated)) return [];
  return Object.fromEntries(children.map(({ name, children: parts }) => [name, outline(parts)]));
}

function textOf(value: unknown): Write {
  const json = JSON.stringify(value);
  return (_, text) => text.add(json);
}

/** @param path for messages */
function writerOf(node: ParquetNode, path: string): Write {
  const { element, isRepeated, definition, leaves } = node;
  const content = contentOf(node, path);
  if (isRepeated) return listOf(node, content);
  if (element.repetition_type === 'REQUIRED') return content;
  const [lead] = leaves;
  return (readers, text) => {
    if (definitionAt(readers, lead) >= definition) return content(readers, text);
    skip(readers, node);
    text.add('null');
  };
}

/** What is there where a node is not null. */
function contentOf(node: ParquetNode, path: string): Write {
  const { children, definition, element, leaves } = node;
  const [only] = children;
  if (only === undefined) {
    if (element.type === undefined) throw new DamagedParquet(`column ${path} has no parts`);
    const json = jsonWriterOf(node);
    if (json === undefined)
      throw new DamagedParquet(`column ${path} holds ${kindOf(node)}, expected text, numbers, lists or objects`);
    const [leaf] = leaves;
    return (readers, text) => {
      const reader = readers[leaf] as ColumnReader;
      if (definitionAt(readers, leaf) < definition) throw new DamagedParquet(`found no value of column ${path}`);
      text.add(json(reader.value()));
      reader.advance();
    };
  }
  const annotation = element.logical_type?.type ?? element.converted_type;
  if (annotation === 'MAP' || annotation === 'MAP_KEY_VALUE' || annotation === 'VARIANT') {
    throw new DamagedParquet(
      `column ${path} holds a ${annotation.toLowerCase()}, expected text, numbers, lists or objects`,
    );
  }
  if (annotation === 'LIST' && only.isRepeated && children.length === 1) {
    return listOf(only, isItem(node, only) ? contentOf(only, path) : writerOf(only.children[0] as ParquetNode, path));
  }
  return objectOf(
    children.map((child) => ({
      name: child.name,
      write: writerOf(child, `${path}.${child.name}`),
      ...(child.element.repetition_type === 'OPTIONAL' && { optional: child }),
    })),
  );
}

/** Whether the repeated part of a list is its item, and not what writers put around it: the format's rules for old files. */
function isItem(list: ParquetNode, repeated: ParquetNode): boolean {
  return repeated.children.length !== 1 || repeated.name === 'array' || repeated.name === `${list.name}_tuple`;
}

function listOf(node: ParquetNode, item: Write): Write {
  const { definition, repetition } = node;
  const [lead] = node.leaves;
  return (readers, text) => {
    if (definitionAt(readers, lead) < definition) {
      skip(readers, node);
      return text.add('[]');
    }
    let before = '[';
    do {
      text.add(before);
      item(readers, text);
      before = ',';
    } while (readers[lead]?.entry?.repetition === repetition);
    text.add(']');
  };
}

interface Part {
  readonly name: string;
  readonly write: Write;
  /** Of a part that is left out where it is null: a Parquet file cannot leave out a field that other rows have. */
  readonly optional?: ParquetNode;
}

function objectOf(parts: readonly Part[]): Write {
  const named = parts.map((part) => ({ ...part, head: `${JSON.stringify(part.name)}:` }));
  return (readers, text) => {
    let before = '{';
    for (const { head, write, optional } of named) {
      if (optional !== undefined && definitionAt(readers, optional.leaves[0]) < optional.definition) {
        skip(readers, optional);
        continue;
      }
      text.add(before);
      text.add(head);
      write(readers, text);
      before = ',';
    }
    text.add(before === '{' ? '{}' : '}');
  };
}

function skip(readers: readonly ColumnReader[], { leaves: [first, end] }: ParquetNode): void {
  for (let leaf = first; leaf < end; leaf++) readers[leaf]?.advance();
}

function definitionAt(readers: readonly ColumnReader[], leaf: number): number {
  const entry = readers[leaf]?.entry;
  if (entry === undefined) throw new DamagedParquet('found columns of different lengths');
  return entry.definition;
}

function kindOf({ element }: ParquetNode): string {
  const { type, logical_type: logical, converted_type: converted } = element;
  if (type === 'BYTE_ARRAY' && logical === undefined && converted === undefined) return 'bytes';
  return `values of the type ${logical?.type ?? converted ?? type}`;
}
