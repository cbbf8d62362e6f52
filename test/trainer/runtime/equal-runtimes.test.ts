import { expect, test } from '@jest/globals';
import type { Engine, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { Head } from '../../../trainer/models/config.ts';
import { testWithOps } from '../../support/with-ops.ts';
import { tokenIds } from '../../support/random-model.ts';
import { pairBatch, requests, stepSettings, supervisedBatch, tinyEngine } from '../engine/tiny-engine.ts';
import { parametersOf } from '../../support/flat-parameters.ts';

/** What an engine with each runtime gives for the same work, in two threads. */
async function onBoth<T>(head: Head, work: (engine: Engine) => Promise<T>): Promise<[stock: T, ffi: T]> {
  const results: T[] = [];
  for (const runtime of ['stock', 'ffi'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- the environment says which one it is
    results.push(await work(await tinyEngine({ head, workers: 2, optimizer: true, runtime })));
  }
  return results as [T, T];
}

test('completions and their probabilities have the same bits on both runtimes', async () => {
  const [stock, ffi] = await onBoth('lm', (engine) => engine.generate(requests(40)));
  expect(ffi).toEqual(stock);
});

test('probabilities of given completions have the same bits on both runtimes', async () => {
  const [stock, ffi] = await onBoth('lm', async (engine) => {
    const prompts = requests(20);
    const completions = await engine.generate(prompts);
    const sequences = completions.map(({ tokenIds: completionIds }, index) => ({
      promptIds: prompts[index]?.promptIds ?? [],
      completionIds,
    }));
    return engine.tokenProbabilities(sequences, { temperature: 0.7 });
  });
  expect(ffi).toEqual(stock);
});

/** Of the formulas that the other tests do not have. */
function policyBatch(count: number): TrainingBatch {
  return {
    loss: 'policy',
    temperature: 0.9,
    settings: {
      clip: { low: 0.2, high: 0.3 },
      klCoefficient: 0.1,
      form: { surrogate: 'cispo', kl: { estimator: 'k2', biasCorrection: true }, entropy: true },
    },
    sequences: Array.from({ length: count }, (_, index) => {
      const completionIds = tokenIds(3 + (index % 5), 50, index);
      const probs = Float32Array.from(completionIds, (_id, t) => 0.01 + 0.02 * ((t + index) % 3));
      return {
        promptIds: tokenIds(4, 50, index % 4),
        completionIds,
        oldProbs: probs,
        refProbs: probs.toReversed(),
        advantage: (index % 5) - 2,
        weight: 1 / 64,
        entropyWeight: 1 / 512,
      };
    }),
  };
}

test.each<[Head, TrainingBatch]>([
  ['lm', supervisedBatch(24)],
  ['lm', policyBatch(24)],
  ['scalar', pairBatch(12)],
])('steps on a %s head leave the same bits on both runtimes', async (head, batch) => {
  const [stock, ffi] = await onBoth(head, async (engine) => {
    const reports = [await engine.step(batch, stepSettings), await engine.step(batch, stepSettings)];
    return { reports, parameters: await parametersOf(engine) };
  });
  expect(ffi).toEqual(stock);
});

testWithOps.each<[Head, TrainingBatch]>([
  ['lm', supervisedBatch(24)],
  ['lm', policyBatch(24)],
  ['scalar', pairBatch(12)],
])('kernels give a step on a %s head the loss and the gradient that their bodies give', async (head, batch) => {
  const reports = [];
  for (const runtime of ['ops', 'ffi'] as const) {
    const engine = await tinyEngine({ head, workers: 2, optimizer: true, runtime });
    reports.push(await engine.step(batch, stepSettings));
  }
  const [ops, ffi] = reports as [(typeof reports)[0], (typeof reports)[0]];
  expect(Math.abs(ops.loss / ffi.loss - 1)).toBeLessThan(1e-5);
  expect(Math.abs(ops.gradNorm / ffi.gradNorm - 1)).toBeLessThan(1e-5);
});
