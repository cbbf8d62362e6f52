import { expect, test } from '@jest/globals';
import type { Head } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { pairBatch, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';

const config = tinyConfig({ lora: adapters(4) });

test.each<{ head: Head; trained: (name: string) => boolean }>([
  { head: 'lm', trained: (name) => /\.lora_[AB]\.weight$/.test(name) },
  { head: 'scalar', trained: (name) => /\.lora_[AB]\.weight$|^score\./.test(name) },
])('steps on the $head head move adapters, and what stands under them keeps every bit', async ({ head, trained }) => {
  const engine = await tinyEngine({ config, head, optimizer: true, workers: 2 });
  const before = await parametersOf(engine);
  const batch = head === 'lm' ? supervisedBatch(40) : pairBatch(20);
  for (let step = 0; step < 3; step++) await engine.step(batch, stepSettings);
  const after = await parametersOf(engine);
  const moved = engine.layout.tensors.filter(({ offset, size }) =>
    after.subarray(offset, offset + size).some((value, index) => value !== before[offset + index]),
  );
  const { tensors } = parameterLayout(config, head);
  expect(moved.map(({ name }) => name)).toEqual(tensors.map(({ name }) => name).filter(trained));
});

test('the optimizer remembers what is trained and nothing else', async () => {
  const engine = await tinyEngine({ config, optimizer: true });
  const { tensors, size, frozen } = parameterLayout(config, 'lm');
  const ofAdapters = tensors.filter(({ name }) => name.includes('.lora_')).reduce((sum, each) => sum + each.size, 0);
  expect(size - frozen).toBe(ofAdapters);
  expect((await engine.optimizerState()).m).toHaveLength(ofAdapters);
  expect((await engine.optimizerState()).v).toHaveLength(ofAdapters);
});

test('the number of workers changes no bit', async () => {
  const results = await Promise.all(
    [1, 2, 3].map(async (workers) => {
      const engine = await tinyEngine({ config, workers, optimizer: true });
      const reports = [];
      for (let step = 0; step < 3; step++) reports.push(await engine.step(supervisedBatch(40), stepSettings));
      return { reports, parameters: await parametersOf(engine), state: await engine.optimizerState() };
    }),
  );
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('a reference shares the weights under the adapters, and stays as it was', async () => {
  const engine = await tinyEngine({ config, optimizer: true, workers: 2 });
  const sequences = [{ promptIds: tokenIds(4, 50), completionIds: tokenIds(9, 50, 3) }];
  const probabilities = async (set: string) => engine.tokenProbabilities(sequences, { set, temperature: 1 });
  await engine.copyParameters('policy', 'reference');
  const before = await probabilities('reference');
  await engine.step(supervisedBatch(8), stepSettings);
  expect(await probabilities('reference')).toEqual(before);
  expect(await probabilities('policy')).not.toEqual(before);

  const kept = await parametersOf(engine, 'reference');
  await engine.copyParameters('policy', 'reference');
  expect(await probabilities('reference')).toEqual(await probabilities('policy'));
  const tensors = engine.layout.tensors.filter(({ trained }) => trained);
  await engine.writeTrainedParameters('reference', fromFlat({ tensors }, kept));
  expect(await probabilities('reference')).toEqual(before);
});

test('adapters whose B is 0 change no bit of the model under them', async () => {
  const { lora: _, ...plain } = config;
  const [adapted, base] = await Promise.all([tinyEngine({ config }), tinyEngine({ config: plain })]);
  const parameters = await parametersOf(adapted);
  for (const { name, offset, size } of adapted.layout.tensors)
    if (name.includes('.lora_B.')) parameters.fill(0, offset, offset + size);
  parameters.set(await parametersOf(base));
  await adapted.writeParameters('policy', fromFlat(adapted.layout, parameters));
  const sequences = [{ promptIds: tokenIds(4, 50), completionIds: tokenIds(9, 50, 3) }];
  expect(await adapted.tokenProbabilities(sequences, { temperature: 1 })).toEqual(
    await base.tokenProbabilities(sequences, { temperature: 1 }),
  );
});
