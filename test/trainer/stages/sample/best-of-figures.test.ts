import { expect, test } from '@jest/globals';
import { type Candidate, createFunnel } from '../../../../trainer/algorithms/funnel.ts';
import { randomKey, uniform } from '../../../../trainer/algorithms/random.ts';
import { sample } from '../../../../trainer/contract/settings/settings.ts';
import { BestOfFigures } from '../../../../trainer/stages/sample/best-of-figures.ts';

const passes = { correct: true, readable: true, oneLanguage: true, notOverlong: true };
const scored = (prompt: number): Candidate[] =>
  Array.from({ length: 4 }, (_, at) => {
    const rewardModel = uniform(randomKey('score', prompt), at);
    return { text: `${prompt}/${at}`, tokens: 1, accuracy: 1, passes, rewardModel };
  });

test('the best of four uniform scores have a mean of 0.8, all of them one of 0.5', () => {
  const funnel = createFunnel(sample.parse({ prompts: ['chat'], rank: ['rewardModel'] }));
  const figures = new BestOfFigures();
  for (let prompt = 0; prompt < 2000; prompt++) {
    const candidates = scored(prompt);
    figures.add(candidates, funnel.best('general', funnel.survivors(candidates)));
  }
  // Standard errors: 0.3 / sqrt(8000) and 0.16 / sqrt(2000).
  const { 'reward_model/mean': mean, 'reward_model/kept_mean': best } = figures.metrics();
  expect(Math.abs((mean ?? 0) - 0.5)).toBeLessThan(0.015);
  expect(Math.abs((best ?? 0) - 0.8)).toBeLessThan(0.015);
});

test('without a reward model there are no figures', () => {
  const figures = new BestOfFigures();
  const unscored = scored(1).map((candidate) => ({ ...candidate, rewardModel: undefined }));
  figures.add(unscored, unscored.slice(0, 1));
  expect(figures.metrics()).toEqual({});
});
