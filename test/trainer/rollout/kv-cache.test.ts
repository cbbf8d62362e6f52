import { expect, test } from '@jest/globals';
import { KvCache, kvBytesPerToken } from '../../../trainer/rollout/kv-cache.ts';
import type { Tensor } from '../../../trainer/runtime/tensor.ts';

const shape = { layers: 2, kvHeads: 2, headDim: 2 };

/** A cache of three rows with three tokens; the key of (row, position, head) holds its own coordinates, values are their negative. */
function filledCache(): KvCache {
  const cache = new KvCache(shape);
  cache.reserve(3, 8);
  cache.setWidth(4, 0);
  for (let row = 0; row < 3; row++) {
    for (let layer = 0; layer < 2; layer++) {
      // [1, kvHeads, 3, headDim]
      const keys = Float32Array.from({ length: 12 }, (_, i) =>
        coordinates(layer, row, Math.floor(i / 6), (i >> 1) % 3),
      );
      cache.writePrompt(layer, row, { keys, values: keys.map((key) => -key) }, 0, 3, 3);
    }
  }
  return cache;
}

const coordinates = (layer: number, row: number, head: number, position: number) =>
  1000 * layer + 100 * (row + 1) + 10 * head + position;

/** Per row, the first number of the keys of one head at the first `length` positions. */
function keysOf(cache: KvCache, rows: number, length = 3): number[][] {
  const [layer, head] = [1, 1];
  const data = cache.tensors(rows).keys[layer]?.data as Float32Array;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (__, position) => data[((row * 2 + head) * cache.width + position) * 2] as number),
  );
}

const everyRow = [
  [1110, 1111, 1112],
  [1210, 1211, 1212],
  [1310, 1311, 1312],
];

test('holds what was written', () => {
  expect(keysOf(filledCache(), 3)).toEqual(everyRow);
});

test.each([8, 7, 3])('a new width of %i keeps every sequence', (width) => {
  const cache = filledCache();
  cache.setWidth(width, 3);
  expect(keysOf(cache, 3)).toEqual(everyRow);
  cache.setWidth(4, 3);
  expect(keysOf(cache, 3)).toEqual(everyRow);
});

test('a row can take the place of another', () => {
  const cache = filledCache();
  cache.copyRow(2, 0);
  expect(keysOf(cache, 2)).toEqual([everyRow[2], everyRow[1]]);
});

test('a prompt is copied without its padding', () => {
  const cache = filledCache();
  // Two prompts of length 3: [prompts, kvHeads, length, headDim].
  const keys = Float32Array.from({ length: 24 }, (_, i) => i);
  cache.writePrompt(1, 1, { keys, values: keys }, 1, 3, 2);
  expect(keysOf(cache, 2, 2)).toEqual([
    [1110, 1111],
    [18, 20],
  ]);
  expect(keysOf(cache, 2)[1]?.[2]).toBe(1212);
});

test('the tensors are the cache itself', () => {
  const cache = filledCache();
  const [first] = cache.tensors(3).keys as [Tensor<'float32'>];
  first.data.fill(7);
  expect(cache.tensors(3).keys[0]?.data[0]).toBe(7);
  expect(first.dims).toEqual([3 * 2 * 4, 2]);
});

test('a token takes two float32 vectors per layer and head', () => {
  expect(kvBytesPerToken(shape)).toBe(2 * 2 * 2 * 2 * 4);
});
