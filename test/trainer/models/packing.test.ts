import { expect, test } from '@jest/globals';
import { packSequences } from '../../../trainer/models/packing.ts';
import { samples } from '../../support/gradient-check.ts';
import { randomParameters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { gradientModel, probabilityModel } from '../../support/whole-model.ts';

const config = tinyConfig();

test('a shared beginning stands in the list once, padding not at all', () => {
  const sequences = [
    { shared: [10, 11], own: [12, 13] },
    { shared: [10, 11], own: [14] },
  ];
  const padding = Array.from({ length: 12 }, () => 0);
  expect(packSequences(sequences)).toEqual({
    ids: [10, 11, 12, 13, 14],
    positions: [0, 1, 2, 3, 2],
    places: [0, 1, 2, 3, ...padding, 0, 1, 4, 0, ...padding],
    origins: [0, 1, 2, 3, 18],
    rows: 2,
    length: 16,
  });
});

test('the list has two tokens at least', () => {
  const { ids, positions, origins } = packSequences([{ shared: [10], own: [] }]);
  expect({ ids, positions, origins }).toEqual({ ids: [10, 0], positions: [0, 0], origins: [0, 1] });
});

test('sharing prompts and leaving out padding changes no bit of a probability, and the gradient by rounding', async () => {
  const prompts = [tokenIds(6, 50), tokenIds(3, 50, 4)];
  const sequences = [0, 0, 1, 0, 1].map((prompt, row) => ({
    shared: prompts[prompt]!,
    own: tokenIds(4 + row, config.vocabularySize, row),
  }));
  const parameters = randomParameters(config);
  const run = async (packed: typeof sequences) => {
    const { rows, length, ...packing } = packSequences(packed);
    const picked = packed.flatMap(({ shared, own }, row) => {
      const first = row * length + shared.length + own.length - 3;
      return packing.places.slice(first, first + 3);
    });
    const wave = (seed: number): number[] => [...samples(picked.length, seed)];
    const feeds = {
      ...parameters,
      ...packing,
      picked,
      targets: picked.map((_, index) => index),
      weight: wave(1),
      advantage: wave(2),
      oldProb: wave(3).map(Math.abs),
      refProb: wave(4).map(Math.abs),
      inverseTemperature: [1],
      ratioLow: [0.8],
      ratioHigh: [1.2],
      dualClip: [3],
      klCoefficient: [0.1],
    };
    const { prob } = await (await probabilityModel(config, rows, length))(feeds);
    const results = await (await gradientModel(config, 'policy', rows, length))(feeds);
    expect(results['prob']).toEqual(prob);
    return { results, tokens: packing.ids.length };
  };

  const together = await run(sequences);
  const apart = await run(sequences.map(({ shared, own }) => ({ shared: [], own: [...shared, ...own] })));

  expect([together.tokens, apart.tokens]).toEqual([39, 54]);
  expect(together.results['prob']).toEqual(apart.results['prob']);
  for (const [name, expected] of Object.entries(apart.results)) {
    const difference = Math.hypot(...expected.map((value, index) => value - together.results[name]![index]!));
    expect({ name, same: difference / Math.hypot(...expected) < 3e-6 }).toEqual({ name, same: true });
  }
});
