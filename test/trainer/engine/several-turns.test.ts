import { expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import type { Engine } from '../../../trainer/engine/engine.ts';
import { predictedPlaces, type TokenSequence } from '../../../trainer/engine/sequences.ts';
import { tokenIds } from '../../support/random-model.ts';
import { requests, stepSettings, tinyEngine } from './tiny-engine.ts';

const [first, second] = [{ temperature: 1 }, { temperature: 0.7 }];
const places = [{ device: undefined }, { device: 'host' }] as const;

/** Of a sequence in the loss. */
const weight = (at: number) => 0.01 * (at + 1);

/** Two turns of the model with three tokens between them that it was told, the second sampled behind all that. */
async function conversations(engine: Engine, temperature: number) {
  const opened = requests(6, { temperature });
  const turns = await engine.generate(opened);
  const told = tokenIds(3, 50, 77);
  const went = opened.map((request, at) => ({
    ...request,
    key: randomKey('second turn', at),
    promptIds: [...request.promptIds, ...(turns[at]?.tokenIds ?? []), ...told],
  }));
  const ends = await engine.generate(went);
  return opened.map(({ promptIds }, at) => {
    const [begin = [], end = []] = [turns[at]?.tokenIds, ends[at]?.tokenIds];
    const start = begin.length + told.length;
    const sequence: TokenSequence = {
      promptIds,
      completionIds: [...begin, ...told, ...end],
      sampled: [
        [0, begin.length],
        [start, start + end.length],
      ],
    };
    return { sequence, probs: [...(turns[at]?.probs ?? []), ...(ends[at]?.probs ?? [])] };
  });
}

test.each(places.flatMap((place) => [first, second].map((sampling) => ({ ...place, ...sampling }))))(
  'probabilities of several turns are those that they were sampled with, to the bit ($device, $temperature)',
  async ({ device, temperature }) => {
    const engine = await tinyEngine({ workers: 2, ...(device && { device }) });
    const sampled = await conversations(engine, temperature);
    const sequences = sampled.map(({ sequence }) => sequence);
    const found = await engine.tokenProbabilities(sequences, { temperature });
    expect(found.map((probs) => [...probs])).toEqual(sampled.map(({ probs }) => probs));
  },
);

test.each(places)(
  'what the model is told has no loss and no gradient, and what follows sees it ($device)',
  async ({ device }) => {
    const engine = await tinyEngine({ workers: 2, optimizer: true, ...(device && { device }) });
    const sampled = await conversations(engine, 1);
    const still = { ...stepSettings, learningRate: 0, weightDecay: 0 };
    const policy = await engine.step(
      {
        loss: 'policy',
        temperature: 1,
        settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
        sequences: sampled.map(({ sequence, probs }, at) => ({
          ...sequence,
          oldProbs: probs,
          advantage: 1,
          weight: weight(at),
        })),
      },
      still,
    );
    // On the policy that sampled, the gradient of ratio · 1 is that of log π: the same as cross-entropy on these tokens and no others.
    const supervised = await engine.step(
      {
        loss: 'sft',
        sequences: sampled.map(({ sequence }, at) => {
          const { promptIds, completionIds } = sequence;
          const ids = [...promptIds, ...completionIds];
          const weights = ids.slice(1).map(() => 0);
          for (const place of predictedPlaces(sequence)) weights[promptIds.length + place - 1] = weight(at);
          return { ids, weights };
        }),
      },
      still,
    );
    expect(policy.probs.map((probs) => [...probs])).toEqual(sampled.map(({ probs }) => probs));
    expect(policy.gradNorm).toBeGreaterThan(0);
    expect(Math.abs(policy.gradNorm / supervised.gradNorm - 1)).toBeLessThan(1e-5); // sums in another order
  },
);
