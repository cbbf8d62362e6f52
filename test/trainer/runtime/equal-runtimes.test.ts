import { afterEach, expect, test } from '@jest/globals';
import type { Engine, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { Head } from '../../../trainer/models/config.ts';
import { pairBatch, requests, stepSettings, supervisedBatch, tinyEngine } from '../engine/tiny-engine.ts';

const asked = process.env['R1_RUNTIME'];

afterEach(() => {
  if (asked === undefined) delete process.env['R1_RUNTIME'];
  else process.env['R1_RUNTIME'] = asked;
});

/** What an engine with each runtime gives for the same work, in two threads. */
async function onBoth<T>(head: Head, work: (engine: Engine) => Promise<T>): Promise<[stock: T, ffi: T]> {
  const results: T[] = [];
  for (const runtime of ['stock', 'ffi']) {
    process.env['R1_RUNTIME'] = runtime;
    // oxlint-disable-next-line no-await-in-loop -- the environment says which one it is
    results.push(await work(await tinyEngine({ head, workers: 2, optimizer: true })));
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

test.each<[Head, TrainingBatch]>([
  ['lm', supervisedBatch(24)],
  ['scalar', pairBatch(12)],
])('steps on a %s head leave the same bits on both runtimes', async (head, batch) => {
  const [stock, ffi] = await onBoth(head, async (engine) => {
    const reports = [await engine.step(batch, stepSettings), await engine.step(batch, stepSettings)];
    return { reports, parameters: Float32Array.from(engine.parameters) };
  });
  expect(ffi).toEqual(stock);
});
