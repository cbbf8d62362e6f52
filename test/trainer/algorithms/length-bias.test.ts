import { expect, test } from '@jest/globals';
import { lengthBias, type ScoredPair } from '../../../trainer/algorithms/length-bias.ts';

const pair = (lengths: ScoredPair['lengths'], scores: ScoredPair['scores']): ScoredPair => ({ lengths, scores });

test.each([
  { name: 'nothing of no pairs', pairs: [], bias: undefined },
  { name: 'nothing where lengths are equal', pairs: [pair([5, 5], [1, 0])], bias: undefined },
  {
    name: 'a model that always takes the longer one',
    pairs: [pair([9, 5], [1, 0]), pair([5, 9], [0, 1]), pair([3, 4], [0, 2]), pair([2, 8], [-1, 3])],
    bias: { longerChosen: 0.25, longerPreferred: 1 },
  },
  {
    name: 'a model that is right whatever the length',
    pairs: [pair([9, 5], [1, 0]), pair([5, 9], [1, 0]), pair([7, 7], [0, 1])],
    bias: { longerChosen: 0.5, longerPreferred: 0.5 },
  },
  {
    name: 'equal scores as half of each',
    pairs: [pair([9, 5], [1, 1])],
    bias: { longerChosen: 1, longerPreferred: 0.5 },
  },
])('tells $name', ({ pairs, bias }) => {
  expect(lengthBias(pairs)).toEqual(bias);
});
