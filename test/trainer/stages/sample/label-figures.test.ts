import { expect, test } from '@jest/globals';
import { LabelFigures } from '../../../../trainer/stages/sample/label-figures.ts';

const nothing = { verdicts: 0, unparsable: 0, tokens: 0 };

test('votes agree by the pairs of them that are equal, where there are several', () => {
  const figures = new LabelFigures();
  const add = (...sides: boolean[]): void => figures.add({ label: true, sides, own: undefined });
  add(true, true, false); // one of three pairs
  add(true, true, true, true);
  add(false); // agrees with nobody
  expect(figures.metrics(nothing)['labels/vote_agreement']).toBeCloseTo((1 / 3 + 1) / 2);
});

test('without own labels and several votes there are no figures of them, and of nothing no share of good ones', () => {
  const figures = new LabelFigures();
  figures.addUnjudged();
  expect(figures.metrics({ verdicts: 2, unparsable: 2, tokens: 9 })).toEqual({
    'labels/asked': 1,
    'labels/unjudged': 1,
    'labels/uncertain': 0,
    'labels/kept': 0,
    'labels/held_out': 0,
    'labels/labelled_frac': 0,
    'labels/unparsable_frac': 1,
    'labels/tokens': 9,
  });
});
