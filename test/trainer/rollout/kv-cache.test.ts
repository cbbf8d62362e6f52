import { expect, test } from '@jest/globals';
import { KvCache, kvBytesPerToken } from '../../../trainer/rollout/kv-cache.ts';

const shape = { layers: 2, kvHeads: 2, headDim: 2 };

/** A cache of three rows; the key of (row, position, head) holds its own coordinates, values are their negative. */
function filledCache(): KvCache {
  const cache = new KvCache(shape);
  cache.reserve(3, 8);
  cache.setWidth(4, 0);
  for (let row = 0; row < 3; row++) cache.setLength(row, 0);
  for (let position = 0; position < 3; position++) {
    const positions = new Int32Array(3).fill(position);
    cache.takePositions(positions, 3);
    for (let layer = 0; layer < 2; layer++) {
      const keys = Float32Array.from({ length: 12 }, (_, i) => coordinates(layer, i >> 2, (i >> 1) & 1, position));
      cache.writeTokens(
        layer,
        positions,
        keys,
        keys.map((key) => -key),
        3,
      );
    }
  }
  return cache;
}

const coordinates = (layer: number, row: number, head: number, position: number) =>
  1000 * layer + 100 * (row + 1) + 10 * head + position;

/** Per row, the first number of the keys of one head at the unmasked positions. */
function visibleKeys(cache: KvCache, rows: number, layer = 1, head = 1): number[][] {
  const { keys, bias } = cache.tensors(rows);
  const data = keys[layer]?.data as Float32Array;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: cache.width }, (__, position) => position)
      .filter((position) => (bias.data as Float32Array)[row * cache.width + position] === 0)
      .map((position) => data[((row * 2 + head) * cache.width + position) * 2] as number),
  );
}

const everyRow = [
  [1110, 1111, 1112],
  [1210, 1211, 1212],
  [1310, 1311, 1312],
];

test('holds what was written', () => {
  expect(visibleKeys(filledCache(), 3)).toEqual(everyRow);
});

test.each([8, 7, 3])('a new width of %i keeps every sequence', (width) => {
  const cache = filledCache();
  cache.setWidth(width, 3);
  expect(visibleKeys(cache, 3)).toEqual(everyRow);
  cache.setWidth(4, 3);
  expect(visibleKeys(cache, 3)).toEqual(everyRow);
});

test('a row can take the place of another', () => {
  const cache = filledCache();
  cache.copyRow(2, 0);
  expect(visibleKeys(cache, 2)).toEqual([everyRow[2], everyRow[1]]);
});

test('a prompt is copied without its padding', () => {
  const cache = filledCache();
  // Two prompts of length 3: [prompts, kvHeads, length, headDim].
  const keys = Float32Array.from({ length: 24 }, (_, i) => i);
  cache.writePrompt(1, 1, { keys, values: keys }, 1, 3, 2);
  cache.setLength(1, 2);
  expect(visibleKeys(cache, 2)).toEqual([everyRow[0], [18, 20]]);
});

test('the tensors follow later writes', () => {
  const cache = filledCache();
  const [first] = cache.tensors(3).keys;
  cache.writeTokens(0, new Int32Array(3), new Float32Array(12).fill(7), new Float32Array(12), 3);
  expect(first?.data[0]).toBe(7);
});

test('a token takes two float32 vectors per layer and head', () => {
  expect(kvBytesPerToken(shape)).toBe(2 * 2 * 2 * 2 * 4);
});
