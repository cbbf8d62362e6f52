import type { DropReason, RowFindings } from '../contract/settings/checked-rows.ts';
import type { Row } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import { NumberList } from './lists/number-list.ts';
import { pickRows, type RowList } from './lists/row-list.ts';

/** What a stage can do with a row: use it, use its beginning, leave it out, or nothing before a person has mended it. */
export type Verdict =
  | { readonly kind: 'used' | 'cut' }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly found: string }
  | { readonly kind: 'fault'; readonly found: string };

export interface Checked {
  /** The rows that are used, in their order. */
  readonly rows: RowList;
  readonly findings: RowFindings;
  /** Places of the rows that are not, ascending. */
  readonly dropped: readonly number[];
}

interface CheckOptions {
  /** What the rows are, such as `sft.data sums`, for messages. */
  readonly what: string;
  /** Called about 20 times a second, between two rows; may throw to end the check. */
  readonly onActivity?: (done: number) => void;
}

const sliceMs = 50;

/**
 * Looks at every row, so that none is found useless when hours of training have passed.
 *
 * @throws UserError if rows have faults (the first is named, and how many more there are), or if none is left
 */
export async function checkRows(
  rows: RowList,
  verdictOf: (row: Row) => Verdict,
  { what, onActivity }: CheckOptions,
): Promise<Checked> {
  const dropped: number[] = [];
  const counts = new Map<DropReason, { rows: number; first: string }>();
  const faults = { rows: 0, first: '' };
  let cut = 0;
  let sliceStartMs = performance.now();
  for (let place = 0; place < rows.length; place++) {
    const row = rows.at(place) as Row;
    const verdict = verdictOf(row);
    switch (verdict.kind) {
      case 'used':
        break;
      case 'cut':
        cut++;
        break;
      case 'dropped': {
        dropped.push(place);
        const count = counts.get(verdict.reason) ?? { rows: 0, first: `row ${row.id}: ${verdict.found}` };
        count.rows++;
        counts.set(verdict.reason, count);
        break;
      }
      case 'fault':
        if (faults.rows++ === 0) faults.first = `row ${row.id}: ${verdict.found}`;
    }
    if (performance.now() - sliceStartMs < sliceMs) continue;
    // oxlint-disable-next-line no-await-in-loop -- signals are only seen between two turns of the event loop
    await new Promise(setImmediate);
    onActivity?.(place + 1);
    sliceStartMs = performance.now();
  }
  if (faults.rows > 0) {
    const more =
      faults.rows > 1 ? `; ${faults.rows - 1} more of the ${rows.length} rows of ${what} cannot be used either` : '';
    throw new UserError(`${faults.first}${more}`);
  }
  const findings: RowFindings = {
    rows: rows.length,
    used: rows.length - dropped.length,
    cut,
    dropped: Array.from(counts, ([reason, count]) => ({ reason, ...count })),
  };
  if (findings.used === 0) throw new UserError(`${what}: ${describeFindings(findings)}; expected at least one row`);
  return { rows: withoutPlaces(rows, dropped), findings, dropped };
}

/** `7 of 8 rows are used; dropped: 1 overlong (first: row sums/24: 425 tokens, at most 256)`. */
export function describeFindings({ rows, used, cut, dropped }: RowFindings): string {
  const reasons = dropped.map((one) => `${one.rows} ${one.reason} (first: ${one.first})`);
  return [
    `${used} of ${rows} rows are used`,
    ...(cut > 0 ? [`${cut} of them cut`] : []),
    ...(reasons.length > 0 ? [`dropped: ${reasons.join(', ')}`] : []),
  ].join('; ');
}

/** @param places ascending */
export function withoutPlaces(rows: RowList, places: readonly number[]): RowList {
  if (places.length === 0) return rows;
  const kept = new NumberList();
  let next = 0;
  for (let place = 0; place < rows.length; place++) {
    if (place === places[next]) next++;
    else kept.push(place);
  }
  return pickRows(rows, kept);
}
