import { expect, test } from '@jest/globals';
import { floatTensor } from '../../../trainer/runtime/tensor.ts';
import { blocksFor, KvCache, kvBytesPerToken } from '../../../trainer/rollout/kv-cache.ts';

const shape = { layers: 2, kvHeads: 2, headDim: 2 };

const coordinates = (token: number, head: number, element: number) => 100 * token + 10 * head + element;

/** Keys that hold their own coordinates, and values that are their negative, `[count, kvHeads, headDim]`. */
function tokens(count: number) {
  const keys = Float32Array.from({ length: count * 4 }, (_, i) => coordinates(i >> 2, (i >> 1) & 1, i & 1));
  return heads(
    keys,
    keys.map((key) => -key),
  );
}

function heads(keys: Float32Array, values: Float32Array) {
  const dims = [keys.length / 4, 2, 2];
  return { keys: floatTensor(keys, dims), values: floatTensor(values, dims) };
}

/** The key and the value of a position of a block, of head 1 and element 1, in layer 1. */
function read(cache: KvCache, block: number, position: number): number[] {
  const { keys, values } = cache.tensors();
  const first = (block * 2 + 1) * 16 * 2;
  return [keys[1]?.data[first + 16 + position] as number, values[1]?.data[first + position * 2 + 1] as number];
}

test('tokens of a list are written into the blocks of their sequence', async () => {
  const cache = new KvCache(shape, 8);
  const blocks = Array.from({ length: 4 }, () => cache.pool.take()).toReversed();
  await cache.write(1, tokens(60), [{ start: 10, count: 50, blocks: blocks }]);
  for (const position of [0, 15, 16, 49]) {
    const key = coordinates(10 + position, 1, 1);
    expect(read(cache, blocks[position >> 4] as number, position % 16)).toEqual([key, -key]);
  }
  expect(read(cache, blocks[3] as number, 2)).toEqual([0, 0]);
  expect(cache.tensors().keys[0]?.data.every((number) => number === 0)).toBe(true);
});

test('in bf16 the upper halves of rounded floats are written, or the floats for a runtime that takes no other', async () => {
  const inBf16 = { ...shape, precision: 'bf16' } as const;
  const [cache, floats] = [new KvCache(inBf16, 8), new KvCache(inBf16, 8, 'float32')];
  const numbers = Float32Array.of(1, -2, 0.5, 3.25, 1, 1, 1, -0.0078125);
  const block = cache.pool.take();
  expect(floats.pool.take()).toBe(block);
  for (const each of [cache, floats]) {
    await each.write(1, heads(numbers, numbers), [{ start: 0, count: 2, blocks: [block] }]);
  }
  expect(cache.tensors().keys[1]).toMatchObject({ type: 'bfloat16' });
  expect(read(cache, block, 0)).toEqual([0x4050, 0x4050]);
  expect(read(cache, block, 1)).toEqual([0xbc00, 0xbc00]);
  expect(floats.tensors().keys[1]).toMatchObject({ type: 'float32' });
  expect(read(floats, block, 1)).toEqual([-0.0078125, -0.0078125]);
});

test('a block can be copied', async () => {
  const cache = new KvCache(shape, 8);
  const [from, to] = [cache.pool.take(), cache.pool.take()];
  await cache.write(1, tokens(5), [{ start: 0, count: 5, blocks: [from] }]);
  cache.copyBlock(from, to);
  expect(read(cache, to, 4)).toEqual(read(cache, from, 4));
  expect(read(cache, to, 4)).toEqual([411, -411]);
});

test('the tensors are the cache itself as far as it was taken, and the same ones until more is', async () => {
  const cache = new KvCache(shape, 100);
  const block = cache.pool.take();
  const before = cache.tensors();
  await cache.write(1, tokens(1), [{ start: 0, count: 1, blocks: [block] }]);
  expect(cache.tensors()).toBe(before);
  expect(read(cache, block, 0)).toEqual([11, -11]);
  const blocks = before.values[0]?.data.length as number;
  while (cache.pool.free > 0) cache.pool.take();
  expect(cache.tensors().values[0]?.data).toHaveLength(100 * 2 * 16 * 2);
  expect(blocks).toBeLessThan(20 * 2 * 16 * 2);
  expect(read(cache, block, 0)).toEqual([11, -11]);
});

test('a token takes two vectors per layer and head, in bf16 of half the size', () => {
  expect(kvBytesPerToken(shape)).toBe(2 * 2 * 2 * 2 * 4);
  expect(kvBytesPerToken({ ...shape, precision: 'bf16' })).toBe(2 * 2 * 2 * 2 * 2);
});

test.each([
  [1, 1],
  [16, 1],
  [17, 2],
])('%i tokens take %i blocks', (count, blocks) => {
  expect(blocksFor(count)).toBe(blocks);
});
