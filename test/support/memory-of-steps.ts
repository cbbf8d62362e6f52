import { Engine } from '../../trainer/engine/engine.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { randomKey } from '../../trainer/algorithms/random.ts';
import { freshParameters, fromFlat } from './flat-parameters.ts';
import { tinyConfig, tokenIds } from './random-model.ts';

/**
 * A program: takes as many steps as its first argument says, each of a rollout of eight completions, their probabilities by the reference and
 * an update, and prints the resident memory after every twentieth of them, in KiB, as JSON.
 */

const [steps, group] = [Number(process.argv[2]), 8];
const config = tinyConfig();
const layout = parameterLayout(config, 'lm');
const parameters = fromFlat(layout, freshParameters(layout, config, 1));
const engine = await Engine.create({ config, head: 'lm', parameters, workers: 2, optimizer: true });
await engine.copyParameters('policy', 'reference');
const settings = { learningRate: 1e-4, betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 } as const;
const sampling = { temperature: 1, topP: 1, topK: 0 };
const resident: number[] = [];
for (let step = 0; step < steps; step++) {
  const promptIds = tokenIds(4 + (step % 40), 50, step);
  // oxlint-disable no-await-in-loop -- one step after the other
  const completions = await engine.generate(
    Array.from({ length: group }, (_, index) => ({
      promptIds,
      key: randomKey('memory', step, index),
      sampling: { ...sampling, maxNewTokens: 3 + ((step * 7 + index) % 20) },
      stopIds: [3],
    })),
  );
  const sequences = completions.map(({ tokenIds: completionIds }) => ({ promptIds, completionIds }));
  const refProbs = await engine.tokenProbabilities(sequences, { set: 'reference', temperature: 1 });
  await engine.step(
    {
      loss: 'policy',
      sequences: sequences.map((sequence, index) => ({
        ...sequence,
        oldProbs: completions[index]!.probs,
        refProbs: refProbs[index],
        advantage: index - (group - 1) / 2,
        weight: 1 / 128,
      })),
      temperature: 1,
      settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0.1 },
    },
    settings,
  );
  // oxlint-enable no-await-in-loop
  if ((step + 1) % (steps / 20) === 0) resident.push(Math.round(process.memoryUsage.rss() / 1024));
}
await engine.close();
console.log(JSON.stringify(resident));
