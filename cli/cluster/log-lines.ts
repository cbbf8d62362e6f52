/**
 * How much of a pod's log was read, so that it goes on there when the connection was lost. Lines come with the time at
 * which they were printed, in nanoseconds; a log is asked for from a full second on, so that some lines come again.
 */
export class LogPosition {
  private time = '';
  /** Lines of that very time. */
  private seenThen = 0;
  /** Lines of that time that came again since the last connection. */
  private again = 0;

  /** Where to go on; undefined at the start. */
  reconnect(): string | undefined {
    this.again = 0;
    return this.time === '' ? undefined : this.time;
  }

  /** The line without its time; undefined if it was read before. */
  take(line: string): string | undefined {
    const [, time, text] = /^(\d{4}-\d\d-\d\dT\S+) ?(.*)$/s.exec(line) ?? [];
    if (time === undefined || text === undefined) return line;
    const order = compareTimes(time, this.time);
    if (order < 0) return undefined;
    if (order > 0) {
      this.time = time;
      this.seenThen = 1;
      this.again = 1;
      return text;
    }
    this.again++;
    if (this.again <= this.seenThen) return undefined;
    this.seenThen = this.again;
    return text;
  }
}

/** Negative when `a` is earlier. Dates have milliseconds only. */
function compareTimes(a: string, b: string): number {
  if (b === '') return 1;
  return wholeSeconds(a) - wholeSeconds(b) || nanoseconds(a) - nanoseconds(b);
}

function wholeSeconds(time: string): number {
  return Date.parse(time.replace(/\.\d+/, ''));
}

function nanoseconds(time: string): number {
  return Number((/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0'));
}

/** The lines of a text that comes in pieces; the last one also without an end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let unfinished = '';
  for await (const chunk of chunks) {
    const parts = (unfinished + decoder.decode(chunk, { stream: true })).split('\n');
    unfinished = parts.pop() ?? '';
    yield* parts;
  }
  if (unfinished !== '') yield unfinished;
}
