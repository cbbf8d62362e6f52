import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { gradients } from '../../../trainer/autodiff/reverse.ts';
import { labelledFeeds, type LossFeeds, pairFeeds } from '../../../trainer/engine/feeds.ts';
import { input, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { pairwiseLoss } from '../../../trainer/losses/pairwise-loss.ts';
import { pointwiseLoss } from '../../../trainer/losses/pointwise-loss.ts';
import { runProgram } from '../../support/run-program.ts';

// Losses and gradients of TRL's RewardTrainer and of a sequence classifier of transformers; made by test/fixtures/score-losses/make_golden.py.
interface Golden {
  readonly pairwise: readonly {
    readonly scores: readonly (readonly [number, number])[];
    readonly margin: readonly number[] | null;
    readonly coefficient: number | null;
    readonly loss: number;
    readonly gradient: readonly (readonly [number, number])[];
  }[];
  readonly pointwise: readonly {
    readonly scores: readonly number[];
    readonly labels: readonly boolean[];
    readonly loss: number;
    readonly gradient: readonly number[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/score-losses/golden.json', import.meta.url), 'utf8'),
) as Golden;

/** Both sides compute in float32, and the largest losses are near 100. */
const tolerance = 1e-6;

const ids = [1, 2];

test.each(golden.pairwise)(
  'the loss of pairs and its gradient are those of TRL: margin $margin, centring $coefficient',
  async ({ scores, margin, coefficient, ...expected }) => {
    const pairs = scores.map((_, at) => ({
      chosen: ids,
      rejected: ids,
      weight: 1 / scores.length,
      margin: margin?.[at] ?? 0,
    }));
    const feeds = pairFeeds({ loss: 'pairwise', centering: coefficient ?? 0, pairs });
    const found = await lossOf(scores.flat(), feeds, ({ weight, margin: margins, centering }, score) =>
      pairwiseLoss(score, { weight: weight!, margin: margins!, centering: centering! }),
    );
    expectClose(found, { loss: expected.loss, gradient: expected.gradient.flat() });
  },
);

test.each(golden.pointwise)(
  'the loss of labelled responses and its gradient are those of transformers: $labels',
  async ({ scores, labels, ...expected }) => {
    const feeds = labelledFeeds(labels.map((isGood) => ({ ids, isGood, weight: 1 / labels.length })));
    const found = await lossOf(scores, feeds, ({ weight, against }, score) =>
      pointwiseLoss(score, { weight: weight!, against: against! }),
    );
    expectClose(found, expected);
  },
);

async function lossOf(
  scores: readonly number[],
  { inputs: feeds }: LossFeeds,
  graph: (inputs: Readonly<Record<string, Value>>, score: Value) => Value,
) {
  const score = input('score', [scores.length]);
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { length }]) => [name, input(name, [length])]));
  const loss = graph(inputs, score);
  const [slope] = gradients(loss, [score]);
  const program = writeProgram([score, ...Object.values(inputs)], { loss, slope: slope! });
  const results = await runProgram(program, { ...feeds, score: [...scores] });
  return { loss: results['loss']![0]!, gradient: [...results['slope']!] };
}

function expectClose(
  found: { loss: number; gradient: readonly number[] },
  expected: { loss: number; gradient: readonly number[] },
): void {
  expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(tolerance);
  const farthest = expected.gradient.map((value, at) => Math.abs(value - found.gradient[at]!));
  expect(Math.max(...farthest)).toBeLessThan(tolerance);
}
