import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readModelDirectory } from '../../../trainer/checkpoint/model-directory.ts';
import { type Head, parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { unshared } from '../../support/packed.ts';
import { relativeDifference } from '../../support/relative-difference.ts';
import type { Feeds, Results } from '../../support/run-program.ts';
import { readAll } from '../../support/safetensors.ts';
import { gradientModel, probabilityModel, scoreModel } from '../../support/whole-model.ts';
import { readFlat } from '../../support/flat-parameters.ts';

// Tiny random models and what PyTorch computes with them; made by test/fixtures/parity/make_golden.py.
const fixtures = join(import.meta.dirname, '../../fixtures/parity');
const [rows, length] = [2, 20];
const packing = unshared(rows, length);
const lengths = [20, 13];

/**
 * Both sides round to float32 in another order. They are found to differ by 1e-6, and by 1.2e-5 in the gradient of a key
 * bias, whose summands nearly cancel.
 */
const tolerance = 5e-5;

test.each(['llama', 'llama-biases', 'qwen2', 'qwen3'])(
  '%s: log-probabilities and every gradient agree with transformers',
  async (name) => {
    const { config, parameters, golden } = await open(name, 'lm');
    const [ids, targets] = [golden.integers('ids'), golden.integers('targets')];

    const weight = golden.floats('weight');
    const sft = await (
      await gradientModel(config, 'sft', rows, length)
    )({
      ...parameters,
      ids,
      targets,
      weight,
      ...packing,
    });
    expectAgreement(sft, golden);

    // The log-probabilities of all tokens are the logits up to a constant of each position.
    const vocabulary = config.vocabularySize;
    const logProb = golden.floats('log_prob');
    const probability = await probabilityModel(config, rows, length);
    const positions = lengths.flatMap((count, row) =>
      Array.from({ length: count }, (_, position) => row * length + position),
    );
    const [found, expected]: [number[], number[]] = [[], []];
    for (let token = 0; token < vocabulary; token++) {
      const everyTarget = ids.map(() => token);
      const { prob } = await probability({
        ...parameters,
        ids,
        targets: everyTarget,
        inverseTemperature: [1],
        ...packing,
      });
      found.push(...positions.map((index) => Math.log(prob?.[index] ?? NaN)));
      expected.push(...positions.map((index) => logProb[index * vocabulary + token] ?? NaN));
    }
    expect(relativeDifference(found, expected)).toBeLessThan(tolerance);
  },
);

test('qwen3-reward: scores and every gradient of the pairwise loss agree with transformers', async () => {
  const { config, parameters, golden } = await open('qwen3-reward', 'scalar');
  const feeds = {
    ...parameters,
    ids: golden.integers('ids'),
    last: lengths.map((count, row) => row * length + count - 1),
    weight: [1],
    margin: [0],
    centering: [0],
  };
  const results = await (await gradientModel(config, 'pairwise', rows, length))(feeds);
  expectAgreement(results, golden);
  const { score } = await (await scoreModel(config, rows, length))(feeds);
  expect(relativeDifference(score ?? [], golden.floats('score'))).toBeLessThan(tolerance);
});

async function open(name: string, head: Head) {
  const model = await readModelDirectory(join(fixtures, name));
  const config = parseHfConfig(model.config, `${name}/config.json`);
  const layout = parameterLayout(config, head);
  const flat = await readFlat(model, layout);
  const parameters: Feeds = Object.fromEntries(
    layout.tensors.map((tensor) => [tensor.name, flat.slice(tensor.offset, tensor.offset + tensor.size)]),
  );
  return { config, parameters, golden: await openGolden(join(fixtures, name, 'golden.safetensors')) };
}

interface Golden {
  readonly names: readonly string[];
  floats(name: string): Float32Array;
  integers(name: string): number[];
}

async function openGolden(path: string): Promise<Golden> {
  const tensors = await readAll(path);
  const floats = (name: string): Float32Array => tensors.get(name) ?? new Float32Array();
  return { names: [...tensors.keys()], floats, integers: (name) => [...floats(name)] };
}

/** The loss and all gradients, each as relative L2 distance. */
function expectAgreement(results: Results, golden: Golden): void {
  const compared = golden.names.filter((name) => name === 'loss' || name.startsWith('grad.'));
  expect(Object.keys(results).filter((name) => name.startsWith('grad.')).length).toBe(compared.length - 1);
  const differences = compared.map(
    (name) => [name, relativeDifference(results[name] ?? [], golden.floats(name))] as const,
  );
  expect(differences.filter(([, difference]) => !(difference < tolerance))).toEqual([]);
}
