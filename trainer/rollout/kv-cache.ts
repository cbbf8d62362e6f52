import type { Precision } from '../contract/settings/training.ts';
import { cacheBlock, cacheType } from '../models/programs.ts';
import { alignedZeros } from '../runtime/aligned-memory.ts';
import { preferHugePages } from '../runtime/open-runtime.ts';
import type { KvHeads } from '../passes/layer-runs.ts';
import { type AnyTensor, arrays, inProcess, release, type Tensor } from '../runtime/tensor.ts';
import { BlockPool } from './block-pool.ts';

/** What the size of a cache depends on. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly precision?: Precision | undefined;
}

type CacheType = ReturnType<typeof cacheType>;
type Numbers = Float32Array | Uint16Array;

/** Bytes of the keys and values of one token, over all layers. */
export function kvBytesPerToken(shape: KvShape): number {
  const { layers, kvHeads, headDim } = shape;
  return 2 * layers * kvHeads * headDim * arrays[cacheType(shape)].BYTES_PER_ELEMENT;
}

/** Blocks that hold this many tokens of one sequence. */
export function blocksFor(tokens: number): number {
  return Math.ceil(tokens / cacheBlock);
}

/** Keys and values as tensors of programs: views of the cache, as `cachedAttention` has them. */
export interface KvTensors<T extends AnyTensor = AnyTensor> {
  /** Per layer, [blocks · kvHeads · headDim · 16] */
  readonly keys: readonly T[];
  /** Per layer, [blocks · kvHeads · 16, headDim] */
  readonly values: readonly T[];
}

/** Tokens that stand side by side in a list, from `start` on: the first ones of a sequence that has these blocks. */
export interface FirstTokens {
  readonly start: number;
  readonly count: number;
  readonly blocks: readonly number[];
}

/** Keys and values of the sequences being decoded, wherever they lie. */
export interface KvMemory {
  readonly pool: BlockPool;
  /** Writes the first tokens of sequences; in bf16 they are rounded. */
  write(layer: number, heads: KvHeads, sequences: readonly FirstTokens[]): Promise<void>;
  /** Copies block `from` over block `to`. */
  copyBlock(from: number, to: number): void;
  /** The cache up to the last block that was taken. Always the same ones, until more are. */
  tensors(): KvTensors;
  /** Frees the memory, which nothing may be bound to. */
  release(): void;
}

/**
 * Keys and values of the sequences being decoded, in blocks of 16 positions, all layers. The program of a step writes those of the new
 * tokens.
 *
 *   keys of layer 0  ┬ block 0 ┬ head 0 ─ headDim × 16       All that may ever be taken is reserved from the start; the system
 *                    │         └ head 1 ─ …                  gives it memory where it is first touched. So it is one array:
 *                    └ block 1 ┬ …                           glibc clears small ones itself, and may put them where others
 *   values of layer 0 ─ …        head 0 ─ 16 × headDim       have been.
 */
export class KvCache implements KvMemory {
  readonly pool: BlockPool;
  readonly #shape: KvShape;
  readonly #type: CacheType;
  readonly #memory: Numbers;
  readonly #keys: readonly Numbers[];
  readonly #values: readonly Numbers[];
  readonly #capacity: number;
  #tensors: KvTensors<Tensor> | undefined;
  #room = 0;

  /**
   * @param capacity blocks, the first included, which is no sequence's
   * @param type what programs take: float32 for a runtime that knows no other
   */
  constructor(shape: KvShape, capacity: number, type: CacheType = cacheType(shape)) {
    const { layers } = shape;
    this.#shape = shape;
    this.#type = type;
    this.#capacity = capacity;
    this.pool = new BlockPool(capacity);
    const size = capacity * this.#blockSize;
    this.#memory = alignedZeros(type, 2 * layers * size);
    preferHugePages(this.#memory.buffer);
    const parts = Array.from({ length: 2 * layers }, (_, i) => this.#memory.subarray(i * size, (i + 1) * size));
    this.#keys = parts.filter((_, i) => i % 2 === 0);
    this.#values = parts.filter((_, i) => i % 2 === 1);
  }

  /** Numbers of a block's keys in one layer, and of its values. */
  get #blockSize(): number {
    return cacheBlock * this.#shape.kvHeads * this.#shape.headDim;
  }

  async write(layer: number, { keys, values }: KvHeads, sequences: readonly FirstTokens[]): Promise<void> {
    const from = { keys: numbersOf(keys, this.#type), values: numbersOf(values, this.#type) };
    for (const sequence of sequences) this.#write(layer, from, sequence);
  }

  #write(
    layer: number,
    { keys: fromKeys, values: fromValues }: Readonly<Record<'keys' | 'values', CachedNumbers>>,
    { start, count, blocks }: FirstTokens,
  ): void {
    const { kvHeads, headDim } = this.#shape;
    const [toKeys, toValues] = [this.#keys[layer] as Numbers, this.#values[layer] as Numbers];
    const { stride, first } = fromKeys;
    const size = cacheBlock * headDim;
    for (let position = 0; position < count; position++) {
      const block = blocks[Math.floor(position / cacheBlock)] as number;
      const at = position % cacheBlock;
      for (let head = 0; head < kvHeads; head++) {
        const from = ((start + position) * kvHeads + head) * headDim;
        const to = (block * kvHeads + head) * size;
        for (let d = 0; d < headDim; d++) {
          toKeys[to + d * cacheBlock + at] = fromKeys.data[first + (from + d) * stride] as number;
          toValues[to + at * headDim + d] = fromValues.data[first + (from + d) * stride] as number;
        }
      }
    }
  }

  copyBlock(from: number, to: number): void {
    const size = this.#blockSize;
    for (const cache of [...this.#keys, ...this.#values]) cache.copyWithin(to * size, from * size, (from + 1) * size);
  }

  tensors(): KvTensors<Tensor> {
    const { kvHeads, headDim } = this.#shape;
    if (this.#tensors === undefined || this.pool.touched > this.#room) {
      // With some to spare, as programs are bound to them anew.
      this.#room = Math.min(this.#capacity, Math.ceil(1.25 * this.pool.touched) + 8);
      const size = this.#room * this.#blockSize;
      const lines = this.#room * kvHeads * cacheBlock;
      this.#tensors = {
        keys: this.#keys.map((cache) => ({ type: this.#type, dims: [size], data: cache.subarray(0, size) })),
        values: this.#values.map((cache) => ({
          type: this.#type,
          dims: [lines, headDim],
          data: cache.subarray(0, size),
        })),
      };
    }
    return this.#tensors;
  }

  release(): void {
    release(this.#memory);
  }
}

interface CachedNumbers {
  readonly data: Numbers;
  readonly stride: number;
  readonly first: number;
}

/** Floats as a cache holds them, at `first + index · stride`: of a rounded one bfloat16 is the upper half, which comes second. */
function numbersOf(tensor: AnyTensor, type: CacheType): CachedNumbers {
  const floats = inProcess(tensor).data as Float32Array;
  if (type === 'float32') return { data: floats, stride: 1, first: 0 };
  return { data: new Uint16Array(floats.buffer, floats.byteOffset, 2 * floats.length), stride: 2, first: 1 };
}
