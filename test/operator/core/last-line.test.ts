import { expect, test } from '@jest/globals';
import { lastLine } from '../../../operator/core/last-line.ts';

const progress = '{"type":"progress","time":"2026-01-01T00:00:00Z","step":1,"steps":9,"phase":"train","metrics":{}}';
const stack = '/a.ts:3\n  throw new Error("bad")\n  ^\n\nError: bad\n    at f (/a.ts:3:9)';

test.each([
  { name: 'the last line', text: 'one\ntwo\n', line: 'two' },
  { name: 'the error above its stack', text: `${stack}\n\nNode.js v24.0.0\n`, line: 'Error: bad' },
  { name: 'the error above its fields', text: `${stack} {\n  code: 'EBAD'\n}\n`, line: 'Error: bad' },
  { name: 'what was said before progress', text: `out of patience\n${progress}\n`, line: 'out of patience' },
  { name: 'a line before one that was not finished', text: `Error: bad\nNode.j`, line: 'Error: bad' },
  { name: 'a line before half a progress line', text: `Error: bad\n${progress.slice(0, 40)}`, line: 'Error: bad' },
  { name: 'a line without its end where it is all there is', text: 'killed', line: 'killed' },
  { name: 'a whole line of a log that was cut', text: `rest\nError: bad\n`, cut: true, line: 'Error: bad' },
  { name: 'the rest of a line where it is all there is', text: `rest of it\n`, cut: true, line: '…rest of it' },
  { name: 'no progress', text: `${progress}\n${progress}\n`, line: '' },
  { name: 'no half of a progress line', text: `${progress.slice(20)}\n${progress}\n`, cut: true, line: '' },
  { name: 'no half of a progress line, whether or not it is known to be cut', text: progress.slice(20), line: '' },
  { name: 'nothing of nothing', text: '', line: '' },
])('of a log it is $name', ({ text, cut, line }) => {
  expect(lastLine(text, cut === undefined ? {} : { cut })).toBe(line);
});
