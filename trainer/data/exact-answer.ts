import { readPlainNumber } from '../rewards/numbers/plain-number.ts';
import { equal } from '../rewards/numbers/rational.ts';
import { BadLine } from './files/bad-line.ts';
import { isRecord, valueAt } from './columns/fields.ts';
import type { JsonLine } from './files/jsonl.ts';

/** A number of JSON as it is written. */
class InexactNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** Sixteen digits, or a power of ten: nothing less is changed by reading it. */
const mayBeInexact = /\d[\d.]{15}|\d[eE]/;

/**
 * Refuses an answer that is a JSON number which readers of JSON change, ours and most others: whole numbers from 2^53 on,
 * more digits than a double holds, 1e400. A gold answer that is not what was meant would give wrong rewards.
 *
 * @param column where the row has its answer; dots lead into objects
 * @throws BadLine
 */
export function refuseInexactAnswer({ bytes, value }: Pick<JsonLine, 'bytes' | 'value'>, column = 'answer'): void {
  if (!isRecord(value) || typeof valueAt(value, column) !== 'number') return;
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  if (!mayBeInexact.test(text)) return;
  const answer = valueAt(parseMarked(text), column);
  if (!(answer instanceof InexactNumber)) return;
  const source = answer.source.length <= 60 ? answer.source : `${answer.source.slice(0, 59)}…`;
  throw new BadLine(
    `answer: found the number ${source}, which a double cannot hold exactly (it is read as ${Number(answer.source)}); ` +
      `expected it as text: "${source}"`,
  );
}

function parseMarked(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text, markInexact) as Record<string, unknown>;
  } catch (error) {
    throw error instanceof RangeError ? new BadLine('is nested too deeply') : error; // a reviver is called level by level
  }
}

function markInexact(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === 'number' && !isExact(source ?? String(value), value)
    ? new InexactNumber(source ?? '')
    : value;
}

function isExact(source: string, value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const [written, read] = [readPlainNumber(source, '.'), readPlainNumber(String(value), '.')];
  return written !== undefined && read !== undefined && equal(written, read);
}
