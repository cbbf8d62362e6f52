import { expect, test } from '@jest/globals';
import { chartsOf } from '../../../trainer/report/charts.ts';

function curve(values: readonly number[]): { steps: number[]; values: number[] } {
  return { steps: values.map((_, i) => i + 1), values: [...values] };
}

test('puts metrics of one kind into one chart, in the order of the catalogue', () => {
  const series = new Map([
    ['kl', curve([0, 1])],
    ['rewards/accuracy/mean', curve([0, 1])],
    ['rewards/format/mean', curve([0, 1])],
    ['reward', curve([0, 1])],
  ]);
  expect(chartsOf(series).map(({ title, lines }) => [title, lines.map(({ label }) => label)])).toEqual([
    ['Reward', ['reward']],
    ['Rewards by kind', ['accuracy', 'format']],
    ['KL to the reference', ['kl']],
  ]);
});

test('draws evaluations with their standard errors, and no standard error for itself', () => {
  const series = new Map([
    ['eval/pass@1', curve([0.5, 0.6])],
    ['eval/pass@1_stderr', curve([0.01, 0.02])],
    ['eval/sums/pass@1', curve([0.5, 0.6])],
  ]);
  expect(chartsOf(series)).toMatchObject([
    {
      title: 'Held-out pass@1',
      range: [0, 1],
      lines: [
        { label: 'held-out pass@1', errors: [0.01, 0.02], sparse: true },
        { label: 'sums', sparse: true },
      ],
    },
  ]);
});

test('figures of training rows are in charts of their own', () => {
  const series = new Map([
    ['eval/pass@1', curve([0.5, 0.6])],
    ['eval_train/pass@1', curve([0.8, 0.9])],
    ['eval_train/sums/pass@1', curve([0.8, 0.9])],
  ]);
  expect(chartsOf(series).map(({ title, lines }) => [title, lines.map(({ label }) => label)])).toEqual([
    ['Held-out pass@1', ['held-out pass@1']],
    ['Pass@1 on training rows', ['pass@1', 'sums']],
  ]);
});

test('a metric of unknown name gets a chart on demand', () => {
  expect(chartsOf(new Map([['verifier/accuracy/ms_p95', curve([1, 2])]]))).toMatchObject([
    { title: 'verifier/accuracy/ms_p95', minor: true },
  ]);
});

test('a long curve becomes means of stretches, each at its last step', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => i);
  const [chart] = chartsOf(new Map([['loss', curve(values)]]));
  const [line] = chart?.lines ?? [];
  expect(line?.steps).toHaveLength(400);
  expect([line?.steps[0], line?.values[0], line?.steps.at(-1)]).toEqual([25, 12, 10_000]);
});
