import type { Row } from '../../contract/settings/dataset.ts';
import { NumberList } from './number-list.ts';
import { type RowList, rowsAt } from './row-list.ts';

const blockBytes = 4 * 2 ** 20;

/**
 * Keeps rows that were made and have no file as JSON in blocks outside of the heap: a few hundred bytes a row, where
 * objects take ten times as many and slow every garbage collection.
 */
export function packRows(rows: Iterable<Row>): RowList {
  const blocks: Buffer[] = [];
  const [blockOf, startOf, endOf] = [new NumberList(), new NumberList(), new NumberList()];
  let used = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    const bytes = Buffer.byteLength(text);
    let block = blocks.at(-1);
    if (block === undefined || used + bytes > block.length) {
      block = Buffer.allocUnsafeSlow(Math.max(bytes, blockBytes));
      blocks.push(block);
      used = 0;
    }
    blockOf.push(blocks.length - 1);
    startOf.push(used);
    used += block.write(text, used);
    endOf.push(used);
  }
  return rowsAt(blockOf.length, (place) => {
    const block = blocks[blockOf.at(place) as number] as Buffer;
    return JSON.parse(block.toString('utf8', startOf.at(place), endOf.at(place))) as Row;
  });
}
