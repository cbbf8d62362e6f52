import type { SchemaElement } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';

const deepest = 32;

/** A column, or a part of one. */
export interface ParquetNode {
  readonly name: string;
  readonly element: SchemaElement;
  readonly children: readonly ParquetNode[];
  readonly isRepeated: boolean;
  /** The definition level of values that are there: those with a lower one are null, or an empty list, at or above it. */
  readonly definition: number;
  /** The repetition level of items after the first of the innermost list that it is or lies in. */
  readonly repetition: number;
  /** Its leaves among the columns of a row group: the first, and the one after the last. */
  readonly leaves: readonly [number, number];
}

/** Columns of a file, from the list that its metadata has: a node is followed by its children. @throws DamagedParquet */
export function columnsOf(elements: readonly SchemaElement[]): readonly ParquetNode[] {
  let [next, leaf] = [0, 0];
  const read = (depth: number, parent: { readonly definition: number; readonly repetition: number }): ParquetNode => {
    const element = elements[next++];
    if (element === undefined || depth > deepest) {
      throw new DamagedParquet(
        depth > deepest ? `its schema is nested more than ${deepest} levels deep` : 'its schema ends early',
      );
    }
    const { name, repetition_type: kind, num_children: count = 0 } = element;
    const isRepeated = kind === 'REPEATED';
    const levels =
      depth === 0
        ? { definition: 0, repetition: 0 }
        : {
            definition: parent.definition + (kind === 'REQUIRED' ? 0 : 1),
            repetition: parent.repetition + (isRepeated ? 1 : 0),
          };
    const firstLeaf = leaf;
    if (element.type !== undefined) leaf++;
    const children = Array.from(indices(element, count, elements.length - next), () => read(depth + 1, levels));
    return { name, element, children, isRepeated, ...levels, leaves: [firstLeaf, leaf] };
  };
  const root = read(0, { definition: 0, repetition: 0 });
  if (next < elements.length) throw new DamagedParquet('its schema has parts that belong to no column');
  return root.children;
}

function indices({ type, name }: SchemaElement, count: number, left: number): { readonly length: number } {
  if (type !== undefined && count > 0) throw new DamagedParquet(`column ${name} has both values and parts`);
  if (!(count >= 0 && count <= left)) throw new DamagedParquet(`column ${name} claims ${count} parts of ${left}`);
  return { length: count };
}

/** All leaves of some columns, in the order of a row group's columns. */
export function leavesOf(nodes: readonly ParquetNode[]): ParquetNode[] {
  return nodes.flatMap((node) => (node.children.length === 0 ? [node] : leavesOf(node.children)));
}
