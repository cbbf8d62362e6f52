import { expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import type { Completion, Engine, GenerationRequest } from '../../../trainer/engine/engine.ts';
import type { LiveGeneration } from '../../../trainer/engine/live-generation.ts';
import type { Drawn } from '../../../trainer/rollout/sampler.ts';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { requests, sharedEngine, tinyEngine } from './tiny-engine.ts';

const engine = sharedEngine({ workers: 2 });

async function live<T>(of: Engine, use: (generation: LiveGeneration) => Promise<T>): Promise<T> {
  const generation = await of.generateLive();
  try {
    return await use(generation);
  } finally {
    generation.close();
    await generation.ended;
  }
}

async function one(generation: LiveGeneration, { promptIds, ...sample }: GenerationRequest): Promise<Completion> {
  const [submitted] = generation.submit(promptIds, [sample]);
  return submitted?.completion as Promise<Completion>;
}

test.each([0, 1])('requests that come one by one have the bits of a batch, at temperature %p', async (temperature) => {
  const all = requests(30, { temperature, topP: 0.9 });
  const expected = await engine().generate(all);
  const completions = await live(engine(), async (generation) =>
    Promise.all(
      all.map(async (request, index) => {
        await new Promise((resolve) => setTimeout(resolve, index));
        return one(generation, request);
      }),
    ),
  );
  // Greedy ones report 1 in a batch, and here what the model gave.
  if (temperature === 1) expect(completions).toEqual(expected);
  else expect(completions.map(({ tokenIds: ids }) => ids)).toEqual(expected.map(({ tokenIds: ids }) => ids));
});

const completeAll = async (of: Engine, all: readonly GenerationRequest[]) =>
  live(of, async (generation) => Promise.all(all.map(async (request) => one(generation, request))));

test('on a device they have the bits of worker threads', async () => {
  const device = await tinyEngine({ device: 'host' });
  const all = requests(12, { temperature: 0.7 });
  expect(await completeAll(device, all)).toEqual(await completeAll(engine(), all));
});

test.each(['ops', 'ffi', 'stock'] as const)('on the runtime %s they have the bits of a batch', async (runtime) => {
  const other = await tinyEngine({ runtime });
  const all = requests(12);
  expect(await completeAll(other, all)).toEqual(await other.generate(all));
});

test('in bf16, too', async () => {
  const rounded = await tinyEngine({ config: tinyConfig({ precision: 'bf16' }) });
  const all = requests(12);
  expect(await completeAll(rounded, all)).toEqual(await rounded.generate(all));
});

test('several completions of a prompt, more than share a run', async () => {
  const samples = requests(11);
  const promptIds = tokenIds(9, 50);
  const expected = await engine().generate(samples.map((sample) => ({ ...sample, promptIds })));
  const completions = await live(engine(), async (generation) =>
    Promise.all(generation.submit(promptIds, samples).map(async ({ completion }) => completion)),
  );
  expect(completions).toEqual(expected);
});

test('tells of every token as it is drawn, with the most likely ones', async () => {
  const [request] = requests(1, { temperature: 0, maxNewTokens: 6, alternatives: 3 }) as [GenerationRequest];
  const { promptIds, ...sample } = request;
  const drawn: Drawn[] = [];
  const completion = await live(
    engine(),
    async (generation) =>
      generation.submit(promptIds, [{ ...sample, onDrawn: (token) => drawn.push(token) }])[0]
        ?.completion as Promise<Completion>,
  );
  expect(drawn.map(({ token }) => token)).toEqual(completion.tokenIds);
  const [probs] = await engine().tokenProbabilities([{ promptIds, completionIds: completion.tokenIds }], {
    temperature: 1,
  });
  expect(Float32Array.from(drawn, ({ prob }) => prob)).toEqual(probs);
  for (const { token, prob, alternatives = [] } of drawn) {
    expect(alternatives).toHaveLength(3);
    expect(alternatives[0]).toEqual({ token, prob }); // greedy
    expect(alternatives.map((other) => other.prob)).toEqual(
      alternatives.map((other) => other.prob).toSorted((a, b) => b - a),
    );
  }
});

test('what nobody waits for any more is dropped, and the others go on', async () => {
  const [long, ...others] = requests(6, { maxNewTokens: 400 }) as [GenerationRequest, ...GenerationRequest[]];
  const expected = await engine().generate(others);
  await live(engine(), async (generation) => {
    const begun = Promise.withResolvers<void>();
    const { promptIds, ...sample } = { ...long, stopIds: [] };
    let tokens = 0;
    const onDrawn = (): void => {
      tokens++;
      begun.resolve();
    };
    const [cancelled] = generation.submit(promptIds, [{ ...sample, onDrawn }]);
    await begun.promise;
    cancelled?.cancel();
    cancelled?.cancel(); // a second time is nothing
    const completions = await Promise.all(others.map(async (request) => one(generation, request)));
    expect(completions).toEqual(expected);
    expect(generation.size).toBe(0);
    expect(tokens).toBeLessThan(400);
  });
});

test('closing lets what runs come to its end, and takes nothing more', async () => {
  const [request] = requests(1) as [GenerationRequest];
  const generation = await engine().generateLive();
  const completion = one(generation, request);
  generation.close();
  expect(() => generation.submit(request.promptIds, [request])).toThrow('the generation is closed');
  await generation.ended;
  expect(await completion).toEqual((await engine().generate([request]))[0]);
});

test('an engine that is closed rejects what runs', async () => {
  const closing = await tinyEngine();
  const generation = await closing.generateLive();
  generation.ended.catch(() => undefined);
  const [request] = requests(1, { maxNewTokens: 400 }) as [GenerationRequest];
  const completion = one(generation, { ...request, stopIds: [] });
  await Promise.all([expect(completion).rejects.toThrow('the engine is closed'), closing.close()]);
});

test.each([[[]], [tokenIds(512, 50)]])('refuses a prompt without room', async (promptIds) => {
  await live(engine(), async (generation) => {
    const [sample] = requests(1) as [GenerationRequest];
    expect(() => generation.submit(promptIds, [sample])).toThrow(UserError);
  });
});
