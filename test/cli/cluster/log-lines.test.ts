import { expect, test } from '@jest/globals';
import { linesOf, LogPosition } from '../../../cli/cluster/log-lines.ts';

const at = (fraction: string, text: string): string => `2026-01-01T12:00:00.${fraction}Z ${text}`;

/** What is printed of the lines that several connections deliver. */
function read(position: LogPosition, lines: readonly string[]): string[] {
  position.reconnect();
  return lines.flatMap((line) => position.take(line) ?? []);
}

test('a log is printed without its times, empty lines and blanks included', () => {
  const lines = [at('100000000', 'a'), at('200000000', ''), at('300000000', '  b ')];
  expect(read(new LogPosition(), lines)).toEqual(['a', '', '  b ']);
});

test('what comes again after a lost connection is printed once, also of lines of the same time', () => {
  const position = new LogPosition();
  const first = [at('1', 'a'), at('2', 'b'), at('2', 'b')];
  expect(read(position, first)).toEqual(['a', 'b', 'b']);
  expect(read(position, [...first, at('2', 'c'), at('3', 'd')])).toEqual(['c', 'd']);
  expect(read(position, [at('2', 'c'), at('3', 'd')])).toEqual([]);
});

test('it is asked for from the time of the last line on', () => {
  const position = new LogPosition();
  expect(position.reconnect()).toBeUndefined();
  position.take(at('123456789', 'a'));
  expect(position.reconnect()).toBe('2026-01-01T12:00:00.123456789Z');
});

test('times are compared to the nanosecond, over offsets and without trailing zeros', () => {
  const position = new LogPosition();
  position.take('2026-03-29T01:59:59.9+01:00 winter');
  expect(position.take('2026-03-29T03:00:00+02:00 summer')).toBe('summer');
  expect(position.take('2026-03-29T03:00:00.000000001+02:00 later')).toBe('later');
  expect(position.take('2026-03-29T03:00:00.0+02:00 summer')).toBeUndefined();
});

test('what has no time, as the end of a long line that came in parts, is printed as it is', () => {
  expect(read(new LogPosition(), [at('1', 'a'), 'rest'])).toEqual(['a', 'rest']);
});

test('lines are put together from pieces that end anywhere, inside a character too', async () => {
  const bytes = new TextEncoder().encode('größe 1\nhalf');
  const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
  const lines: string[] = [];
  for await (const line of linesOf(
    (async function* () {
      yield* pieces;
    })(),
  ))
    lines.push(line);
  expect(lines).toEqual(['größe 1', 'half']);
});
