import { expect, test } from '@jest/globals';
import { markdownRows } from '../../bench/describe-result.ts';
import { median, renderTable, summarize } from '../../bench/report.ts';

const benchmark = {
  name: 'token',
  perRepetition: 100,
  repetitions: 2,
  targets: [{ metric: 'rate', ratio: 1.6 }],
} as const;

const rounds = (...seconds: number[]) => seconds.map((wallSeconds) => ({ wallSeconds, cpuSeconds: wallSeconds / 2 }));
const ours = { rounds: rounds(2, 1, 4), peakBytes: 300e6 };
const peer = { rounds: rounds(4, 8, 6), peakBytes: 900e6 };

test.each([
  { values: [3, 1, 2], expected: 2 },
  { values: [4, 1, 2, 3], expected: 2.5 },
  { values: [7], expected: 7 },
])('the median of $values is $expected', ({ values, expected }) => {
  expect(median(values)).toBe(expected);
});

test('the best round is the cheapest, and the one with the highest rate', () => {
  const lines = new Map(summarize(benchmark, ours, peer).map((line) => [line.metric, line]));

  expect(lines.get('wallSeconds')?.ours).toEqual({ best: 0.5, median: 1 }); // of one of two repetitions
  expect(lines.get('cpuSeconds')?.peer).toEqual({ best: 1, median: 1.5 });
  expect(lines.get('rate')?.ours).toEqual({ best: 200, median: 100 });
});

test('ratios are ours divided by the peer, and a target stands beside its own line', () => {
  const lines = summarize(benchmark, ours, peer);

  expect(lines.map(({ metric, ratio, target }) => ({ metric, best: ratio.best, target }))).toEqual([
    { metric: 'wallSeconds', best: 0.25, target: undefined },
    { metric: 'cpuSeconds', best: 0.25, target: undefined },
    { metric: 'rate', best: 4, target: 1.6 },
    { metric: 'peakBytes', best: 1 / 3, target: undefined },
  ]);
});

test('the table shows figures with their ratio and target', () => {
  const table = renderTable(summarize(benchmark, ours, peer));

  expect(table).toMatch(/tokens per second .* 200 .* 100 .* 50\.0 .* 4\.00× .* ≥ 1\.6×/);
  expect(table).toMatch(/peak memory, MB .* 300 .* 900 .* 0\.33×/);
});

test('a row of the documentation says whether the best rounds meet what is asked', () => {
  const result = { benchmark: 'generate', peer: 'peer', threads: 1, lines: summarize(benchmark, ours, peer) };

  expect(markdownRows(result).split('\n')).toEqual([
    '| `generate`, 1 | peer | CPU time, s/repetition | 0.250 (0.500) | 1.00 (1.50) | 0.25 (0.33) |  |',
    '| `generate`, 1 | peer | tokens per second | 200 (100) | 50.0 (33.3) | 4.00 (3.00) | ≥ 1.6: met |',
    '| `generate`, 1 | peer | peak memory, MB | 300 (300) | 900 (900) | 0.33 (0.33) |  |',
  ]);
});
