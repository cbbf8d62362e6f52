import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readAdapter } from '../../../trainer/checkpoint/adapter-directory.ts';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { type LoraSettings, loraTargets } from '../../../trainer/contract/settings/training.ts';
import type { WriteTensors } from '../../../trainer/engine/backend.ts';
import { Engine } from '../../../trainer/engine/engine.ts';
import type { Head } from '../../../trainer/models/config.ts';
import { parseHfConfig } from '../../../trainer/models/config.ts';
import { adapterMerger } from '../../../trainer/models/merge-adapters.ts';
import { parameterLayout, trainedLayout } from '../../../trainer/models/parameters.ts';
import { relativeDifference } from '../../support/relative-difference.ts';
import { readAll } from '../../support/safetensors.ts';

// Adapters that peft put on the models of test/fixtures/parity, and what it computes with them; made by test/fixtures/lora/make_golden.py.
const fixtures = join(import.meta.dirname, '../../fixtures');

/** Both sides round to float32 in another order. */
const tolerance = 2e-5;

/** With these the first moment of the first step is the gradient. */
const oneStep = { learningRate: 0, betas: [0, 0.9], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 0 } as const;

const [firstLength, secondLength] = [20, 13];

test('llama-biases: probabilities and the gradient of every adapter agree with peft', async () => {
  const { engine, golden } = await open('llama-biases', 'lm', { rank: 3, alpha: 8, targets: [...loraTargets] });
  const [ids, weight] = [golden('ids'), [...golden('weight')]];
  const sequences = [
    { ids: [...ids.subarray(0, firstLength)], weights: weight.slice(0, firstLength - 1) },
    { ids: [...ids.subarray(firstLength, firstLength + secondLength)], weights: weight.slice(firstLength - 1) },
  ];
  const { loss, probs } = await engine.step({ loss: 'sft', sequences }, oneStep);
  expect(relativeDifference([loss], golden('loss'))).toBeLessThan(tolerance);
  const ofTokens = probs.flatMap((each) => [...each]);
  expect(relativeDifference(ofTokens, golden('prob'))).toBeLessThan(tolerance);
  await expectGradients(engine, golden);
  await engine.close();
});

test('qwen3-reward: scores, and the gradient of every adapter and of the head, agree with peft', async () => {
  const lora: LoraSettings = { rank: 4, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] };
  const { engine, golden } = await open('qwen3-reward', 'scalar', lora);
  const ids = [...golden('ids')];
  const [chosen, rejected] = [ids.slice(0, firstLength), ids.slice(firstLength, firstLength + secondLength)];
  const { loss, scores } = await engine.step(
    { loss: 'pairwise', centering: 0, pairs: [{ chosen, rejected, weight: 1, margin: 0 }] },
    oneStep,
  );
  expect(relativeDifference([loss], golden('loss'))).toBeLessThan(tolerance);
  expect(relativeDifference(scores.flat(), golden('score'))).toBeLessThan(tolerance);
  await expectGradients(engine, golden);
  await engine.close();
});

test.each<{ name: string; head: Head; lora: LoraSettings }>([
  { name: 'llama-biases', head: 'lm', lora: { rank: 3, alpha: 8, targets: [...loraTargets] } },
  { name: 'qwen3-reward', head: 'scalar', lora: { rank: 4, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'] } },
])('$name: merged weights are those of peft', async ({ name, head, lora }) => {
  const { engine, config, golden, goldenNames } = await open(name, head, lora);
  const { layout } = engine;
  const merge = adapterMerger(config, layout, (tensor) => engine.readTensor(tensor));
  const changed = [];
  for (const tensor of layout.tensors.filter(({ name: each }) => !each.includes('.lora_'))) {
    const merged = await merge(tensor.name);
    if (merged.buffer === (await engine.readTensor(tensor)).buffer) continue;
    changed.push(`merged.${tensor.name}`);
    expect(relativeDifference(merged, golden(`merged.${tensor.name}`))).toBeLessThan(1e-7); // a rounding
  }
  expect(changed.toSorted()).toEqual(goldenNames.filter((each) => each.startsWith('merged.')).toSorted());
  await engine.close();
});

async function open(name: string, head: Head, lora: LoraSettings) {
  const model = await readModelDirectory(join(fixtures, 'parity', name));
  const plain = parseHfConfig(model.config, `${name}/config.json`);
  const config = { ...plain, lora };
  const adapters = parameterLayout(config, head).tensors.filter(({ trained }) => trained);
  const parameters: WriteTensors = async (memoryOf) => {
    await model.readParameters(parameterLayout(plain, head), memoryOf);
    await readAdapter(join(fixtures, 'lora', name), adapters, memoryOf);
  };
  const engine = await Engine.create({ config, head, parameters, workers: 1, optimizer: true });
  const tensors = await readAll(join(fixtures, 'lora', name, 'golden.safetensors'));
  const golden = (tensor: string): Float32Array => tensors.get(tensor) ?? new Float32Array();
  return { engine, config, golden, goldenNames: [...tensors.keys()] };
}

async function expectGradients(engine: Engine, golden: (name: string) => Float32Array): Promise<void> {
  const { m } = await engine.optimizerState();
  const differences = trainedLayout(engine.layout).tensors.map(
    ({ name, offset, size }) =>
      [name, relativeDifference(m.subarray(offset, offset + size), golden(`grad.${name}`))] as const,
  );
  expect(differences.filter(([, difference]) => !(difference < tolerance))).toEqual([]);
}
