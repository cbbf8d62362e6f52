import { expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import { programTensors } from '../../../trainer/engine/threads/parameter-tensors.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { LayerRuns } from '../../../trainer/passes/layer-runs.ts';
import { ProcessMemory } from '../../../trainer/passes/process-memory.ts';
import { Decoder } from '../../../trainer/rollout/decoder.ts';
import { generate } from '../../../trainer/rollout/generation.ts';
import { DeviceKvCache } from '../../../trainer/rollout/device-kv-cache.ts';
import { DeviceSampler } from '../../../trainer/rollout/device-sampler.ts';
import { KvCache } from '../../../trainer/rollout/kv-cache.ts';
import { ProcessSampler } from '../../../trainer/rollout/sampler.ts';
import type { Completion, PromptGroup } from '../../../trainer/rollout/requests.ts';
import { ExecutableCache } from '../../../trainer/runtime/executable-cache.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { hostDevice } from '../../support/host-device.ts';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { flatParameters } from '../engine/tiny-engine.ts';

const config = tinyConfig();

/** Two groups of four: prompts of 37 and 16 tokens, completions of 3 to 50. */
const groups: readonly PromptGroup[] = [37, 16].map((length, group) => ({
  promptIds: tokenIds(length, 50, group),
  samples: [50, 3, 40, 50].map((maxNewTokens, index) => sample(4 * group + index, maxNewTokens)),
}));

function sample(index: number, maxNewTokens: number) {
  const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens };
  return { index, key: randomKey('generation test', index), sampling, stopIds: [] };
}

test('a cache that is too small for all sequences gives the completions that a large one gives', async () => {
  const roomy = await generated({ rows: 8, blocks: 100 });
  expect(roomy.completions.map(({ tokenIds: { length } }) => length)).toEqual([50, 3, 40, 50, 50, 3, 40, 50]);
  // 37 + 50 tokens are six blocks: one sequence fits, with the first blocks of its group.
  for (const blocks of [11, 14, 20, 30]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const tight = await generated({ rows: 8, blocks });
    expect(tight.completions).toEqual(roomy.completions);
    expect(tight.touched).toBeLessThanOrEqual(blocks);
    expect(tight.free).toBe(blocks - 1);
  }
});

test('the cache holds a prompt once for its samples, and the tokens that there are', async () => {
  const [first] = groups as [PromptGroup];
  const { touched, free } = await generated({ rows: 4, blocks: 100, of: [first] });
  // Nobody's block, two full ones of the prompt, and three each of three samples at their 80th token. One sample has ended by then.
  expect(touched).toBe(1 + 2 + 3 * 3);
  expect(free).toBe(99);
});

test('sequences join as soon as others have left, whoever is still at work', async () => {
  const waiting = Array.from({ length: 6 }, (_, index) => ({
    promptIds: tokenIds(5, 50, index),
    samples: [sample(index, index === 0 ? 60 : 5)],
  }));
  const { ended } = await generated({ rows: 2, blocks: 100, of: waiting });
  expect(ended).toEqual([1, 2, 3, 4, 5, 0]);
});

test('on a device the same completions are generated, though the cache is too small for all of them', async () => {
  const expected = await generated({ rows: 8, blocks: 100 });
  expect((await generated({ rows: 8, blocks: 100, place: 'device' })).completions).toEqual(expected.completions);
  expect((await generated({ rows: 8, blocks: 14, place: 'device' })).completions).toEqual(expected.completions);
});

async function generated(options: { rows: number; blocks: number; of?: readonly PromptGroup[]; place?: Place }) {
  const { programs, memory, sampler, cache, parameters } = await places[options.place ?? 'process'](options.blocks);
  const layers = new LayerRuns(config, programs, memory);
  const decoder = await Decoder.create({ config, programs, layers, parameters, cache, temperature: 1 });
  const left = [...(options.of ?? groups)];
  const completions: Completion[] = [];
  const ended: number[] = [];
  await generate({
    decoder,
    sampler,
    cache,
    rows: options.rows,
    maxLength: config.maxLength,
    next: () => left.shift(),
    onCompletion: (index, completion) => {
      completions[index] = completion;
      ended.push(index);
    },
    isDone: () => false,
    throwIfUnwanted: () => undefined,
  });
  decoder.release();
  const { touched, free } = cache.pool;
  return { completions, ended, touched, free };
}

type Place = keyof typeof places;

const places = {
  process: async (blocks: number) => ({
    programs: new ExecutableCache(await openRuntime('ffi'), 8),
    memory: new ProcessMemory(),
    sampler: new ProcessSampler(config.vocabularySize),
    cache: new KvCache(config, blocks),
    parameters: inProcess,
  }),
  device: async (blocks: number) => {
    const { programs, memory } = hostDevice();
    const onDevice = Object.entries(inProcess).map(
      ([name, { data, dims }]) => [name, memory.floats(name, data as Float32Array, dims)] as const,
    );
    return {
      programs,
      memory,
      sampler: new DeviceSampler(config.vocabularySize, programs, memory),
      cache: new DeviceKvCache({ config, blocks, programs, memory }),
      parameters: Object.fromEntries(onDevice),
    };
  },
};

const inProcess = programTensors(parameterLayout(config, 'lm'), flatParameters(config, 'lm'));
