import { expect, test } from '@jest/globals';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFollower, parseProgress } from '../../../operator/local/log-follower.ts';
import { Workbench } from '../../support/pipelines.ts';

const line = (step: number) =>
  JSON.stringify({ type: 'progress', time: '2026-01-01T00:00:00Z', step, steps: 9, phase: 'säen', metrics: {} });

test('reads progress lines from a log that grows, whatever else is in it', async () => {
  const path = join(new Workbench().folder, 'log');
  const steps: number[] = [];
  const follower = new LogFollower(path, ({ step, phase }) => {
    expect(phase).toBe('säen');
    steps.push(step);
  });
  follower.start(5);
  await sleep(20); // the log is not there yet
  const bytes = new TextEncoder().encode(`${line(1)}\nnot progress\n{"type":"progress"}\n{broken\n${line(2)}\n`);
  // Cut in the middle of a character.
  const cut = bytes.indexOf(0xc3) + 1;
  writeFileSync(path, bytes.subarray(0, cut));
  await sleep(30);
  appendFileSync(path, bytes.subarray(cut));
  appendFileSync(path, `${'x'.repeat(300_000)}\n${line(3)}`);
  await follower.finish();
  expect(steps).toEqual([1, 2, 3]);
});

test.each(['', " {\n  code: 'EBAD',\n  errno: -9\n}"])(
  'remembers what a process said before it died',
  async (fields) => {
    const path = join(new Workbench().folder, 'log');
    const trace = `/a.ts:3\n  throw new Error('bad')\n  ^\n\nError: bad\n    at f (/a.ts:3:9)\n    at g (/a.ts:9:1)${fields}\n\nNode.js v24.0.0\n`;
    writeFileSync(path, `${line(1)}\n${trace}${line(2)}\n`);
    const follower = new LogFollower(path, () => undefined);
    await follower.finish();
    expect(follower.lastWords).toBe('Error: bad');
  },
);

test.each(['', 'text', '{}', '{"type":"progress"}', '{"type":'])('%j is no progress line', (text) => {
  expect(parseProgress(text)).toBeUndefined();
});
