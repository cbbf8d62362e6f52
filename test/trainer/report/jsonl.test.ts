import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readSamples, readSeries } from '../../../trainer/report/jsonl.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';

const directory = useSharedDirectory();

async function file(name: string, lines: readonly string[]): Promise<string> {
  const path = join(directory(), name);
  await writeFile(path, lines.join('\n'));
  return path;
}

test('reads each metric with its own steps and skips a line that a crash cut off', async () => {
  const path = await file('metrics.jsonl', [
    '{"step":1,"time":"2026-03-01T00:00:00Z","loss":2}',
    '{"step":2,"loss":1,"note":"text","kl":null}',
    '{"step":2,"eval/pass@1":0.5}',
    '{"step":3,"lo',
  ]);
  expect(Object.fromEntries(await readSeries(path))).toEqual({
    loss: { steps: [1, 2], values: [2, 1] },
    'eval/pass@1': { steps: [2], values: [0.5] },
  });
});

test('a stage that wrote nothing has no curves and no samples', async () => {
  expect([...(await readSeries(join(directory(), 'missing.jsonl')))]).toEqual([]);
  expect(await readSamples(join(directory(), 'missing.jsonl'), 2)).toEqual({ first: [], last: [] });
});

test('keeps samples of the first and of the last step, some of each', async () => {
  const lines = [1, 1, 1, 2, 2, 4, 4, 4].map((step) =>
    JSON.stringify({ step, dataset: 'd', prompt: 'p', completion: 'c' }),
  );
  const { first, last } = await readSamples(await file('samples.jsonl', [...lines, 'null', '{}']), 2);
  expect([first.map(({ step }) => step), last.map(({ step }) => step)]).toEqual([
    [1, 1],
    [4, 4],
  ]);
});

test('a single evaluation is no beginning', async () => {
  const line = JSON.stringify({ step: 9, prompt: 'p', completion: 'c' });
  const { first, last } = await readSamples(await file('one.jsonl', [line, line]), 4);
  expect([first.length, last.length]).toEqual([0, 2]);
});
