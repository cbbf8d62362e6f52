import { expect, test } from '@jest/globals';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { DeviceSampler } from '../../../trainer/rollout/device-sampler.ts';
import { type Draw, ProcessSampler } from '../../../trainer/rollout/sampler.ts';
import type { TokenSampling } from '../../../trainer/rollout/sampling.ts';
import { floatTensor } from '../../../trainer/runtime/tensor.ts';
import { hostDevice } from '../../support/host-device.ts';

const size = 301;
const rows = 6;

/** Rows of a softmax: some flat, some with most of the probability on few tokens, with ties and zeros. */
function distributions(): Float32Array {
  const key = randomKey('distributions');
  const all = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const logits = Array.from({ length: size }, (_, token) => 3 * row * uniform(key, row * size + (token % 250)));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (const [token, logit] of logits.entries()) all[row * size + token] = Math.exp(logit) / total;
  }
  all.fill(0, 10, 40);
  return all;
}

function draws(sampling: TokenSampling): Draw[] {
  const key = randomKey('draws');
  return Array.from({ length: 500 }, (_, index) => ({ row: (7 * index) % rows, sampling, u: uniform(key, index) }));
}

const all = { temperature: 1, topP: 1, topK: 0 };

test.each<[string, TokenSampling]>([
  ['all tokens', all],
  ['greedily', { ...all, temperature: 0 }],
  ['a nucleus', { ...all, topP: 0.8 }],
  ['a small nucleus', { ...all, topP: 0.01 }],
  ['the most likely tokens', { ...all, topK: 5 }],
  ['the most likely one', { ...all, topK: 1 }],
  ['a nucleus of the most likely tokens', { ...all, topK: 40, topP: 0.6 }],
  ['more tokens than there are', { ...all, topK: 1000 }],
])('draws the tokens that are drawn in the process: %s', async (_, sampling) => {
  const { memory, programs } = hostDevice();
  const probs = distributions();
  const dims = [rows, size];
  const onDevice = new DeviceSampler(size, programs, memory).draw(memory.floats('probs', probs, dims), draws(sampling));
  const inProcess = new ProcessSampler(size).draw(floatTensor(probs, dims), draws(sampling));
  expect(await onDevice).toEqual(await inProcess);
});

test('one call may mix settings', async () => {
  const { memory, programs } = hostDevice();
  const probs = distributions();
  const settings = [all, { ...all, temperature: 0 }, { ...all, topP: 0.5 }];
  const mixed = draws(all).map((draw, index) => ({ ...draw, sampling: settings[index % 3] as TokenSampling }));
  const dims = [rows, size];
  expect(await new DeviceSampler(size, programs, memory).draw(memory.floats('probs', probs, dims), mixed)).toEqual(
    await new ProcessSampler(size).draw(floatTensor(probs, dims), mixed),
  );
});

test.each([0, 1 - 2 ** -53])('the random number %d draws a token that has a probability', async (u) => {
  const { memory, programs } = hostDevice();
  const probs = Float32Array.of(0, 0.25, 0, 0.75, 0, 0);
  const drawn = new DeviceSampler(6, programs, memory).draw(memory.floats('probs', probs, [1, 6]), [
    { row: 0, sampling: all, u },
    { row: 0, sampling: { ...all, topP: 0.9 }, u },
  ]);
  expect((await drawn).map(({ token }) => token)).toEqual(u === 0 ? [1, 1] : [3, 3]);
});

test('a distribution that is not finite gives a probability that is not', async () => {
  const { memory, programs } = hostDevice();
  const sampler = new DeviceSampler(3, programs, memory);
  const probs = memory.floats('probs', new Float32Array(3).fill(NaN), [1, 3]);
  for (const sampling of [all, { ...all, temperature: 0 }, { ...all, topP: 0.5 }]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const [drawn] = await sampler.draw(probs, [{ row: 0, sampling, u: 0.5 }]);
    expect(drawn?.prob).toBeNaN();
  }
});

test('of a draw two numbers go in and two come out, whatever the vocabulary', async () => {
  const { device, memory, programs } = hostDevice();
  const sampler = new DeviceSampler(size, programs, memory);
  const probs = memory.floats('probs', distributions(), [rows, size]);
  await sampler.draw(probs, draws(all));
  const before = device.traffic;
  await sampler.draw(probs, draws(all));
  const { allocations, bytesIn, bytesOut } = device.traffic;
  expect(allocations).toBe(before.allocations);
  expect(bytesIn - before.bytesIn).toBe(500 * (4 + 8));
  expect(bytesOut - before.bytesOut).toBe(500 * (4 + 4));
});
