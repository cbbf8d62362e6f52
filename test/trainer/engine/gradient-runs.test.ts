import { expect, test } from '@jest/globals';
import { cutBatch } from '../../../trainer/engine/batches.ts';
import type { TrainingBatch } from '../../../trainer/engine/engine.ts';
import { EmbeddingRowsMemory } from '../../../trainer/engine/threads/embedding-rows.ts';
import { GradientRuns } from '../../../trainer/engine/gradient-runs.ts';
import { SumsInPlace } from '../../../trainer/engine/gradient-sums.ts';
import { parameterViews, programTensors } from '../../../trainer/engine/threads/parameter-tensors.ts';
import { optimizerMemory } from '../../../trainer/engine/threads/shared-memory.ts';
import { keptBytesPerToken } from '../../../trainer/engine/micro-batches.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { LayerRuns } from '../../../trainer/passes/layer-runs.ts';
import { ExecutableCache } from '../../../trainer/runtime/executable-cache.ts';
import { floatTensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { ProcessMemory } from '../../../trainer/passes/process-memory.ts';
import { chooseRuntime, openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { tinyConfig } from '../../support/random-model.ts';
import { flatParameters, supervisedBatch } from './tiny-engine.ts';

const noLimits = { keptBytes: 1e12, logitBytes: 1e12 };

/** Gradients of batches, each as one micro-batch. */
async function gradientRuns(config: ModelConfig, limits = noLimits) {
  const [layout, runtime] = [parameterLayout(config, 'lm'), await openRuntime(chooseRuntime().name)];
  const programs = new ExecutableCache(runtime, 32);
  const layers = new LayerRuns(config, programs, new ProcessMemory());
  const turns = { await: () => undefined, pass: () => undefined };
  const runs = new GradientRuns({ config, head: 'lm', layout, programs, layers, turns, limits });
  const { gradient } = optimizerMemory(layout);
  const sums = new SumsInPlace(parameterViews(layout, gradient), runtime);
  const parameters = programTensors(layout, flatParameters(config, 'lm'));
  const run = async (batch: TrainingBatch) => {
    const [part, ...others] = cutBatch(batch, config);
    if (part === undefined || others.length > 0) throw new Error('expected one micro-batch');
    const { rowOf, rows } = new EmbeddingRowsMemory(config).of([part]);
    const embedding = { rowOf, rows: floatTensor(rows, [rows.length / config.hiddenSize, config.hiddenSize]) };
    gradient.fill(NaN); // of the step before
    const result = await runs.run(parameters, part.batch, { sums, embedding }, { index: 0, last: true });
    return { result, gradient: [...gradient] };
  };
  return { run, layers };
}

async function gradientOf(config: ModelConfig, batch: TrainingBatch, limits = noLimits) {
  return (await gradientRuns(config, limits)).run(batch);
}

test.each([{}, { family: 'llama', tiedEmbeddings: false, layers: 3 }] as const)(
  'a layer that keeps nothing runs forward once more, and no bit changes: %o',
  async (changes) => {
    const config = tinyConfig(changes);
    const kept = await gradientOf(config, supervisedBatch(8));
    const some = await gradientOf(config, supervisedBatch(8), { ...noLimits, keptBytes: 500_000 });
    const none = await gradientOf(config, supervisedBatch(8), { ...noLimits, keptBytes: 0 });
    expect(some).toEqual(kept);
    expect(none).toEqual(kept);
    expect(kept.gradient.every(Number.isFinite)).toBe(true);
  },
);

test('what layers keep stays within its limit, whatever lengths follow each other', async () => {
  const config = tinyConfig({ layers: 8 });
  const limit = 4 * keptBytesPerToken(config) * 60;
  const { run, layers } = await gradientRuns(config, { ...noLimits, keptBytes: limit });
  for (const count of [8, 2, 4, 1]) await run(supervisedBatch(count));
  const [kept] = layers.kept(1, 1) as [Tensors];
  const held = Object.values(kept).reduce((sum, { data }) => sum + data.buffer.byteLength, 0);
  const longest = cutBatch(supervisedBatch(8), config)[0]?.tokens ?? 0;
  expect(held).toBeLessThanOrEqual(limit + longest * keptBytesPerToken(config));
  expect(held).toBeGreaterThan(limit / 2);
});

test('logits in parts give the same probabilities, and the same gradient but for rounding', async () => {
  const config = tinyConfig();
  const whole = await gradientOf(config, supervisedBatch(8));
  const parts = await gradientOf(config, supervisedBatch(8), { ...noLimits, logitBytes: 4 * 50 * 7 });
  expect(parts.result.probs).toEqual(whole.result.probs);
  expect(parts.result.top).toEqual(whole.result.top);
  expect(parts.result.loss).toBeCloseTo(whole.result.loss, 6);
  const difference = Math.hypot(...whole.gradient.map((value, index) => value - parts.gradient[index]!));
  expect(difference / Math.hypot(...whole.gradient)).toBeLessThan(1e-6);
});
