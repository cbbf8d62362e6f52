import { expect, test } from '@jest/globals';
import { BlockPool } from '../../../trainer/rollout/block-pool.ts';

test("hands out every block but the first, which is nobody's", () => {
  const pool = new BlockPool(4);
  expect([pool.free, pool.touched]).toEqual([3, 1]);
  expect([pool.take(), pool.take(), pool.take()]).toEqual([1, 2, 3]);
  expect([pool.free, pool.touched]).toEqual([0, 4]);
  expect(() => pool.take()).toThrow('all 4 blocks of the cache are taken');
});

test('a block that was given back is taken before one that never was', () => {
  const pool = new BlockPool(10);
  const [first] = [pool.take(), pool.take()];
  pool.giveBack(first);
  expect(pool.take()).toBe(first);
  expect(pool.touched).toBe(3);
});

test('a shared block is free once all have given it back', () => {
  const pool = new BlockPool(3);
  const block = pool.take();
  expect(pool.share(block)).toBe(block);
  pool.giveBack(block);
  expect(pool.free).toBe(1);
  pool.giveBack(block);
  expect(pool.free).toBe(2);
});

test('only a block that somebody has can be shared or given back', () => {
  const pool = new BlockPool(3);
  expect(() => pool.giveBack(1)).toThrow("block 1 of the cache is nobody's");
  const block = pool.take();
  pool.giveBack(block);
  expect(() => pool.share(block)).toThrow(`block ${block} of the cache is nobody's`);
});
