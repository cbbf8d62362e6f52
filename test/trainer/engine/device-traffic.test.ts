import { afterAll, expect, test } from '@jest/globals';
import { cutBatch, cutCompletions } from '../../../trainer/engine/batches.ts';
import { DeviceBackend } from '../../../trainer/engine/device/device-backend.ts';
import { planGeneration } from '../../../trainer/engine/generation-plan.ts';
import type { GenerationRequest, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { newClaims } from '../../../trainer/rollout/claims.ts';
import type { Completion } from '../../../trainer/rollout/requests.ts';
import type { LaneDevice } from '../../../trainer/runtime/choose-device.ts';
import { fromFlat } from '../../support/flat-parameters.ts';
import { tinyConfig, tokenIds as idsOf } from '../../support/random-model.ts';
import { flatParameters, requests, stepSettings } from './tiny-engine.ts';

/** A completion with its prompt. */
type SampledSequence = Completion & { readonly promptIds: readonly number[] };

const backends: DeviceBackend[] = [];
/** Sequences of a step, and tokens that each is sampled. */
const small = { count: 16, length: 12 };

afterAll(async () => {
  await Promise.all(backends.map(async (backend) => backend.close()));
});

/** Rollout, reference and update on a device, and what crosses its border meanwhile. */
async function learner(config: ModelConfig, lanes = 1) {
  const devices = Array.from({ length: lanes }, (): LaneDevice => ({ kind: 'host' }));
  const options = { config, head: 'lm', devices, optimizer: true } as const;
  const backend = await DeviceBackend.start({ ...options, onActivity: () => undefined });
  backends.push(backend);
  const { parameters } = backend;
  await parameters.put('policy', fromFlat(parameterLayout(config, 'lm'), flatParameters(config, 'lm')));
  await parameters.copy('policy', 'reference');
  let steps = 0;

  const rollOut = async (
    prompts: readonly GenerationRequest[] = requests(16, { maxNewTokens: 12 }),
  ): Promise<readonly SampledSequence[]> => {
    const claims = newClaims(prompts.length);
    const completions: Completion[] = [];
    for (const plan of planGeneration(prompts, claims, config, lanes)) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await backend.generate(plan, 'policy', claims, (index, completion) => (completions[index] = completion));
    }
    return completions.map((completion, index) => ({ ...completion, promptIds: prompts[index]?.promptIds ?? [] }));
  };

  const score = async (sequences: readonly SampledSequence[]): Promise<void> => {
    const fields = ({ promptIds, tokenIds }: SampledSequence) => ({ promptIds, completionIds: tokenIds });
    const parts = cutCompletions(sequences, config, fields);
    await backend.tokenFigures(parts, 'reference', { figure: 'prob', inverseTemperature: 1 });
  };

  /** The same tokens for every model. */
  const update = async ({ count, length } = small): Promise<void> => {
    const batch: TrainingBatch = {
      loss: 'policy',
      temperature: 1,
      settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
      sequences: requests(count).map(({ promptIds }, index) => {
        const completionIds = Array.from({ length }, (_, at) => (5 * index + at) % 50);
        return {
          promptIds,
          completionIds,
          oldProbs: new Float32Array(length).fill(0.1),
          advantage: (index % 3) - 1,
          weight: 0.01,
        };
      }),
    };
    await backend.gradient(cutBatch(batch, config));
    await backend.update(stepSettings, ++steps, 1);
  };

  const during = async (work: () => Promise<unknown>) => {
    const before = await backend.traffic();
    await work();
    const after = await backend.traffic();
    const between = (name: keyof typeof before) => after[name] - before[name];
    const bytes = between('bytesIn') + between('bytesOut');
    return {
      allocations: between('allocations'),
      bytes,
      fromPeers: between('bytesFromPeers'),
      waits: between('waits'),
    };
  };

  return { rollOut, score, update, during };
}

test('an optimizer step moves ids and numbers of losses over the border, and no parameter', async () => {
  const [narrow, wide] = [await learner(tinyConfig()), await learner(tinyConfig({ hiddenSize: 128, headDim: 64 }))];
  const of = await narrow.during(async () => narrow.update());
  expect(of.bytes).toBeLessThan(64 * 1024);
  // A model of four times as many parameters changes nothing.
  expect((await wide.during(async () => wide.update())).bytes).toBe(of.bytes);
});

/** Of a token its id, position and where its sequence and its embedding are; of a sampled one what its loss is made of, and its probability. */
const [idsOfToken, numbersOfSampled] = [4, 10];

test.each([
  { count: 16, length: 12 },
  { count: 64, length: 200 },
  { count: 256, length: 100 },
])(
  'a step of $count sequences moves 64 KiB at most besides 4 bytes for each id and number of its tokens',
  async (size) => {
    const { update, during } = await learner(tinyConfig());
    const sampled = size.count * size.length;
    const tokens = sampled + requests(size.count).reduce((sum, { promptIds }) => sum + promptIds.length, 0);
    const { bytes } = await during(() => update(size));
    expect(bytes).toBeLessThanOrEqual(64 * 1024 + 4 * (idsOfToken * tokens + numbersOfSampled * sampled));
  },
);

test('an optimizer step waits for the device once for the loss of a micro-batch and once for the norm, and sampling once a token', async () => {
  const { rollOut, update, during } = await learner(tinyConfig());
  const length = 12;
  const prompts = requests(16, { maxNewTokens: length }).map((request) => ({ ...request, stopIds: [] }));
  // The first token follows the prompts, of which there may be several runs.
  expect((await during(async () => rollOut(prompts))).waits).toBeLessThanOrEqual(2 * length + 1);
  expect((await during(async () => update())).waits).toBe(2);
});

test('several lanes copy gradients and parameters from each other, and over the border goes nothing that grows with the model', async () => {
  const models = [tinyConfig(), tinyConfig({ hiddenSize: 128, headDim: 64 })];
  const traffic = models.map(async (config) => {
    const { during, update } = await learner(config, 4);
    return { size: parameterLayout(config, 'lm').size, ...(await during(async () => update())) };
  });
  const [narrow, wide] = (await Promise.all(traffic)) as [Awaited<(typeof traffic)[0]>, Awaited<(typeof traffic)[0]>];
  expect(wide.bytes).toBe(narrow.bytes);
  for (const { size, fromPeers } of [narrow, wide]) {
    // The step has one micro-batch, of whose gradient three lanes copy a quarter. Each lane copies three quarters of the parameters.
    expect(fromPeers / (4 * size)).toBeCloseTo(3 / 4 + 3, 1);
  }
});

/** Requests for completions of one length, of which the first has a far longer prompt than the others. */
function oneLongPrompt(maxNewTokens: number): GenerationRequest[] {
  return requests(32, { maxNewTokens }).map((request, index) => ({
    ...request,
    ...(index === 0 && { promptIds: idsOf(440, 50, 7) }),
    stopIds: [],
  }));
}

test.each([1, 2, 4])(
  'after the longest step nothing is allocated, whichever of %s lanes takes which part of it',
  async (lanes) => {
    const { rollOut, score, update, during } = await learner(tinyConfig(), lanes);
    // The same sequences in another order are taken by other lanes.
    const step = async (shift: number, length: number): Promise<void> => {
      const prompts = oneLongPrompt(length);
      const completions = await rollOut([...prompts.slice(shift), ...prompts.slice(0, shift)]);
      await score([...completions.slice(-shift), ...completions.slice(0, -shift)]);
      await update({ count: 16, length });
    };
    const first = await during(async () => step(0, 60));
    expect(first.allocations).toBeGreaterThan(0);
    const later = [];
    for (const [index, length] of [60, 60, 60, 7, 23, 60].entries()) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      later.push((await during(async () => step(5 * (index + 1), length))).allocations);
    }
    expect(later).toEqual(later.map(() => 0));
  },
);

test('of a sampled token a few numbers cross the border, whatever the vocabulary', async () => {
  const { rollOut, during } = await learner(tinyConfig({ vocabularySize: 1000 }));
  let tokens = 0;
  const { bytes } = await during(async () => {
    tokens = (await rollOut()).reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  });
  expect(bytes / tokens).toBeLessThan(100); // the distribution alone has 4000
});
