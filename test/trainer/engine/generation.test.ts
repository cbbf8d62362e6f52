import { expect, test } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import type { Completion, Engine, GenerationRequest } from '../../../trainer/engine/engine.ts';
import { finishClaim, newClaims, releaseClaim, takeClaim } from '../../../trainer/rollout/claims.ts';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { requests, sharedEngine, tinyEngine } from './tiny-engine.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';

const engine = sharedEngine();
const twoWorkers = sharedEngine({ workers: 2 });
const shortEngine = sharedEngine({ config: tinyConfig({ maxLength: 20 }) });

test('continuous batching gives the bits of one sequence at a time', async () => {
  const all = requests(70); // more than the rows of a batch: sequences leave and join
  const together = await engine().generate(all);
  const alone: Completion[] = [];
  for (const request of all.slice(0, 12)) alone.push(...(await engine().generate([request])));
  expect(together.slice(0, 12)).toEqual(alone);
  expect(together).toHaveLength(70);
});

test('the number of workers changes no bit', async () => {
  const expected = await engine().generate(requests(20));
  expect(await twoWorkers().generate(requests(20))).toEqual(expected);
  const three = await tinyEngine({ workers: 3 });
  expect(await three.generate(requests(20))).toEqual(expected);
});

test('requests that others have taken are left to them, and what they are done with is dropped', async () => {
  const all = requests(40);
  const expected = await engine().generate(all);
  const claims = newClaims(all.length);
  const taken = [...all.keys()].filter((index) => index % 3 === 0);
  for (const index of taken) expect(takeClaim(claims, index)).toBe(true);
  const completions: Completion[] = [];
  let dropped = 0;
  await twoWorkers().generateFree(all, {
    claims,
    helpers: 3,
    onCompletion: (index, completion) => {
      completions[index] = completion;
      for (const other of [37, 38]) if (completions[other] === undefined && finishClaim(claims, other)) dropped++;
    },
  });
  expect(dropped).toBe(2);
  for (const index of all.keys()) {
    expect(completions[index]).toEqual(taken.includes(index) || [37, 38].includes(index) ? undefined : expected[index]);
  }
  for (const index of taken) releaseClaim(claims, index);
  await twoWorkers().generateFree(all, {
    claims,
    onCompletion: (index, completion) => (completions[index] = completion),
  });
  expect(completions.filter((_, index) => ![37, 38].includes(index))).toEqual(
    expected.filter((_, index) => ![37, 38].includes(index)),
  );
});

test('a completion ends with its stop token or at maxNewTokens', async () => {
  const all = requests(40);
  const completions = await engine().generate(all);
  for (const [index, { tokenIds: ids, probs, finish }] of completions.entries()) {
    const { sampling, stopIds } = all[index] as GenerationRequest;
    expect(probs).toHaveLength(ids.length);
    expect(ids.findIndex((id) => stopIds.includes(id))).toBe(finish === 'stop' ? ids.length - 1 : -1);
    if (finish === 'length') expect(ids).toHaveLength(sampling.maxNewTokens);
  }
  expect(new Set(completions.map(({ finish }) => finish))).toEqual(new Set(['stop', 'length']));
});

test('a sequence ends where the model can take no more', async () => {
  const [completion] = await shortEngine().generate([
    { ...(requests(1, { maxNewTokens: 100 })[0] as GenerationRequest), promptIds: tokenIds(15, 50), stopIds: [] },
  ]);
  expect(completion).toMatchObject({ finish: 'length', tokenIds: { length: 5 } });
});

test.each([0, 20])('a prompt of %i tokens is refused by a model of 20', async (length) => {
  const bad = { ...(requests(1)[0] as GenerationRequest), promptIds: tokenIds(length, 50) };
  await expect(shortEngine().generate([...requests(1), bad])).rejects.toThrow(UserError);
  await expect(shortEngine().generate([...requests(1), bad])).rejects.toThrow(
    `prompt 1 has ${length} tokens, expected 1 to 19`,
  );
});

test('greedy tokens are the most likely ones, whatever the keys', async () => {
  const greedy = requests(6, { temperature: 0 });
  const completions = await engine().generate(greedy);
  const otherKeys = greedy.map((request, index) => ({ ...request, key: randomKey('other', index) }));
  expect(await engine().generate(otherKeys)).toEqual(completions);
  // No token may be more likely: with top-k 1 there is no other choice either.
  expect(await engine().generate(requests(6, { topK: 1 }))).toEqual(completions);
});

test('one call may mix temperatures and settings', async () => {
  const mixed = requests(9).map((request, index) => ({
    ...request,
    sampling: { ...request.sampling, temperature: [0, 0.7, 1][index % 3] as number, topP: index % 2 ? 0.8 : 1 },
  }));
  const completions = await engine().generate(mixed);
  const alone = await Promise.all(mixed.map(async (request) => engine().generate([request])));
  expect(completions).toEqual(alone.flat());
});

test('onCompletion sees every completion once', async () => {
  const seen = new Map<number, Completion>();
  const completions = await twoWorkers().generate(requests(10), {
    onCompletion: (index, done) => seen.set(index, done),
  });
  expect([...seen].toSorted(([a], [b]) => a - b).map(([, completion]) => completion)).toEqual(completions);
});

test('nothing to generate', async () => {
  expect(await engine().generate([])).toEqual([]);
});

test.each([1, 0.7])('sampled first tokens fit the softmax at temperature %d (χ²)', async (temperature) => {
  const draws = 2000;
  const promptIds = tokenIds(5, 50);
  const completions = await twoWorkers().generate(
    Array.from({ length: draws }, (_, index) => ({
      promptIds,
      key: randomKey('frequencies', index),
      sampling: { temperature, topP: 1, topK: 0, maxNewTokens: 1 },
      stopIds: [],
    })),
  );
  const distribution = await firstTokenDistribution(twoWorkers(), promptIds, temperature);
  expect(distribution.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);

  const counts = new Map<number, number>();
  for (const {
    tokenIds: [token = -1],
  } of completions)
    counts.set(token, (counts.get(token) ?? 0) + 1);
  // Tokens with fewer than 5 expected draws are counted together.
  let [chiSquare, degrees, rare, rareCount] = [0, 0, 0, 0];
  for (const [token, p] of distribution.entries()) {
    const count = counts.get(token) ?? 0;
    if (p * draws < 5) {
      rare += p * draws;
      rareCount += count;
    } else {
      chiSquare += (count - p * draws) ** 2 / (p * draws);
      degrees++;
    }
  }
  chiSquare += rare > 0 ? (rareCount - rare) ** 2 / rare : 0;
  expect(degrees).toBeGreaterThan(10);
  expect(chiSquare).toBeLessThan(degrees + 4 * Math.sqrt(2 * degrees)); // about 1 in 10 000 by chance; keys are fixed
});

async function firstTokenDistribution(sampler: Engine, promptIds: number[], temperature: number): Promise<number[]> {
  const everyToken = Array.from({ length: 50 }, (_, token) => ({ promptIds, completionIds: [token] }));
  const probs = await sampler.tokenProbabilities(everyToken, { temperature });
  return probs.map(([p = 0]) => p);
}

test.each([0, 1])('logits that are not finite end sampling at temperature %d as diverged', async (temperature) => {
  const config = tinyConfig();
  const broken = await tinyEngine({ config });
  const spoilt = (await parametersOf(broken)).fill(NaN, 0, config.hiddenSize);
  await broken.writeParameters('policy', fromFlat(broken.layout, spoilt));
  const request = { ...(requests(1, { temperature })[0] as GenerationRequest), promptIds: [0, 1] };
  await expect(broken.generate([request])).rejects.toMatchObject({
    reason: 'diverged',
    message: 'sampling: the logits after 2 tokens are not finite; expected finite ones',
  });
});
