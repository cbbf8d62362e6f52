import { dimension, fixed } from '../graph/shape.ts';
import { type Value, apply, constant, integers, kernel, scalar } from '../graph/value.ts';
import { add, divide, lessOrEqual, multiply, subtract, where } from '../ops/elementwise.ts';
import { gatherRows, pickColumns, setRows } from '../ops/indexing.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { cast, concat, reshape, sizes, slice } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';
import { masked } from './attention-grid.ts';

/** Positions of a block: the kernel has the keys of so many in a register's columns. */
export const cacheBlock = 16;

/**
 * Keys and values of sequences, float32 or bfloat16, in blocks of positions. Which block belongs to whom is in a table; several sequences may
 * share one.
 */
export interface Cache {
  /** `[blocks · kvHeads · headDim · 16]`: the positions of a block are columns */
  readonly keys: Value;
  /** `[blocks · kvHeads · 16, headDim]` */
  readonly values: Value;
}

/** Where the new tokens of B sequences go. */
export interface CachePlaces {
  /** Below 16 · N, `[B]` int64 */
  readonly positions: Value;
  /** `[B, N]` int64: position p of a sequence lies in block p ÷ 16 of its row. What is behind its newest token may be any block. */
  readonly table: Value;
}

/**
 * Attention of one new token a sequence, whose key and value are written into the cache first. A token has the bits that it has in
 * `attention`: the sum runs over the same keys in the same order, and a masked key adds exactly 0. For a cache in bfloat16 keys and values
 * are rounded; a token then has the bits of `attention` over rounded ones.
 *
 * @param q `[B, heads, headDim]`
 * @param k, v of the new tokens, `[B, kvHeads, headDim]`
 * @returns `out` `[B, heads, headDim]`, and the cache with the new tokens, which may lie in the memory of the one before
 */
export function cachedAttention(
  q: Value,
  k: Value,
  v: Value,
  { positions, table }: CachePlaces,
  cache: Cache,
): Cache & { readonly out: Value } {
  const [rows, heads, headDim] = [dimension(q.shape, 0), ...q.shape.slice(1).map(fixed)] as [string, number, number];
  const kvHeads = fixed(dimension(k.shape, 1));
  const group = heads / kvHeads;
  const at = newest(positions, table);
  const { type } = cache.keys;
  const widened = type === 'bfloat16' ? (x: Value) => cast(x, 'float32') : same;
  const { keys, values } = intoCache(k, v, at, cache);

  // The blocks of each sequence side by side. A line of keys is one element of 16 positions, one of values a whole block.
  const keyLines = parts(parts(reshape(table, [rows, 1, 1, 'N']), kvHeads, 1), headDim, 2);
  const ownKeys = gatherRows(reshape(keys, ['lines', cacheBlock]), keyLines);
  const allKeys = reshape(widened(ownKeys), [rows, kvHeads, headDim, 'W']);
  const valueLines = parts(reshape(table, [rows, 1, 'N']), kvHeads, 1);
  const ownValues = gatherRows(reshape(values, ['lines', cacheBlock * headDim]), valueLines);
  const allValues = reshape(widened(ownValues), [rows, kvHeads, 'W', headDim]);

  // ONNX Runtime multiplies a single row by another kernel, which sums in another order: give it two.
  const single = reshape(q, [rows, kvHeads, group, headDim]);
  const queries = group === 1 ? concat([single, single], 2) : single;
  const scores = batchedMatmul(queries, allKeys, { alpha: 1 / Math.sqrt(headDim) });
  const attended = batchedMatmul(softmax(add(scores, mask(positions, table))), allValues);
  const out = reshape(group === 1 ? slice(attended, 2, 0, 1) : attended, q.shape);
  const name = `CachedAttention${type === 'bfloat16' ? 'Bf16' : ''}`;
  const outputs = kernel(name, [q, k, v, positions, table, cache.keys, cache.values], [out, keys, values]);
  const [o, nextKeys, nextValues] = outputs as [Value, Value, Value];
  return { out: o, keys: nextKeys, values: nextValues };
}

function same(x: Value): Value {
  return x;
}

/** The cache with the keys and values of tokens, `[B, kvHeads, headDim]`; it may lie in the memory of the one before. */
export function intoCache(k: Value, v: Value, at: CachePlace, cache: Cache): Cache {
  const [kvHeads, headDim] = k.shape.slice(1).map(fixed) as [number, number];
  const { type } = cache.keys;
  const inCache = type === 'bfloat16' ? (x: Value) => cast(x, type) : same;
  return {
    keys: setRows(cache.keys, { rows: keyCells(at, kvHeads, headDim), updates: inCache(k) }),
    values: setRows(cache.values, { rows: valueCells(at, kvHeads), updates: inCache(v) }),
  };
}

/** The block of each token, and its place there, `[B]` int64. */
export interface CachePlace {
  readonly block: Value;
  readonly offset: Value;
}

function newest(positions: Value, table: Value): CachePlace {
  const column = divide(positions, integers([cacheBlock]));
  const offset = subtract(positions, multiply(column, integers([cacheBlock])));
  return { block: pickColumns(table, column), offset };
}

/** Where the new keys go, `[B, kvHeads, headDim]`. */
function keyCells({ block, offset }: CachePlace, kvHeads: number, headDim: number): Value {
  const lines = parts(parts(withAxes(block, 2), kvHeads, 1), headDim, 2);
  return add(multiply(lines, integers([cacheBlock])), withAxes(offset, 2));
}

/** The lines where the new values go, `[B, kvHeads]`. */
function valueCells({ block, offset }: CachePlace, kvHeads: number): Value {
  const blocks = parts(withAxes(block, 1), kvHeads, 1);
  return add(multiply(blocks, integers([cacheBlock])), withAxes(offset, 1));
}

/** With axes of size 1 at the end. */
function withAxes(x: Value, count: number): Value {
  return reshape(x, [...x.shape, ...Array.from({ length: count }, () => 1)]);
}

/** Of things that have `count` parts each, the numbers of the parts: x · count + 0, 1, … along an axis where x has size 1. */
function parts(x: Value, count: number, axis: number): Value {
  const numbers = BigInt64Array.from({ length: count }, (_, part) => BigInt(part));
  const alongAxis = x.shape.map((_, other) => (other === axis ? count : 1));
  return add(multiply(x, integers([count])), constant(numbers, alongAxis));
}

/** 0 up to the new token's position, `[B, 1, 1, W]`; finite beyond it, so that every softmax is a number. */
function mask(positions: Value, table: Value): Value {
  const width = multiply(slice(sizes(table), 0, 1, 2), integers([cacheBlock]));
  const visible = lessOrEqual(range(width, 'W'), reshape(positions, ['B', 1]));
  return reshape(where(visible, scalar(0), scalar(masked)), ['B', 1, 1, 'W']);
}

/** 0, 1, … below `limit` `[1]` */
function range(limit: Value, name: string): Value {
  const [zero, one] = [constant(BigInt64Array.of(0n), []), constant(BigInt64Array.of(1n), [])];
  return apply('Range', [zero, reshape(limit, []), one], { type: 'int64', shape: [name] });
}
