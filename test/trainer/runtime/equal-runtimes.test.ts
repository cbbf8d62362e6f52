import { expect, test } from '@jest/globals';
import type { Engine, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { Head, ModelConfig } from '../../../trainer/models/config.ts';
import { trainedLayout } from '../../../trainer/models/parameters.ts';
import type { RuntimeName } from '../../../trainer/runtime/runtime.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { relativeDifference } from '../../support/relative-difference.ts';
import { testWithOps } from '../../support/with-ops.ts';
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

/** With these the first moment of the first step is the gradient. */
const oneStep = { learningRate: 0, betas: [0, 0.9], epsilon: 1e-8, weightDecay: 0, maxGradNorm: 0 } as const;

testWithOps.each<{ name: string; changes: Partial<ModelConfig>; head: Head; batch: TrainingBatch }>([
  { name: 'qwen3, supervised', changes: {}, head: 'lm', batch: supervisedBatch(24) },
  { name: 'qwen3, policy', changes: {}, head: 'lm', batch: policyBatch(24) },
  { name: 'qwen3, pairs', changes: {}, head: 'scalar', batch: pairBatch(12) },
  { name: 'qwen2, policy', changes: { family: 'qwen2', kvHeads: 4 }, head: 'lm', batch: policyBatch(24) },
  {
    name: 'llama with adapters, policy',
    changes: { family: 'llama', tiedEmbeddings: false, lora: adapters(4) },
    head: 'lm',
    batch: policyBatch(24),
  },
])(
  'kernels give every probability, score and gradient that their bodies give: $name',
  async ({ changes, head, batch }) => {
    const given = async (runtime: RuntimeName) => {
      const config = tinyConfig(changes);
      const engine = await tinyEngine({ config, head, workers: 2, optimizer: true, runtime });
      const { loss, ...report } = await engine.step(batch, oneStep);
      const { m } = await engine.optimizerState();
      const figures = 'scores' in report ? report.scores.flat() : report.probs.flatMap((each) => [...each]);
      const gradients = trainedLayout(engine.layout).tensors.map(
        ({ name, offset, size }) => [name, m.subarray(offset, offset + size)] as const,
      );
      return new Map<string, ArrayLike<number>>([['loss', [loss]], ['figures', figures], ...gradients]);
    };
    const [ops, ffi] = [await given('ops'), await given('ffi')];
    const differences = [...ffi].map(
      ([name, expected]) => [name, relativeDifference(ops.get(name)!, expected)] as const,
    );
    expect(differences.length).toBeGreaterThan(2);
    expect(differences.filter(([, difference]) => !(difference < 1e-5))).toEqual([]);
  },
);
