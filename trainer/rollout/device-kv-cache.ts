import type { ModelConfig } from '../models/config.ts';
import { cacheBlock, cacheType, cacheWriteProgram } from '../models/programs.ts';
import type { DevicePassMemory } from '../passes/device-pass-memory.ts';
import type { KvHeads } from '../passes/layer-runs.ts';
import { deviceRows } from '../runtime/device-memory.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import type { AnyTensors, DeviceTensor } from '../runtime/tensor.ts';
import { BlockPool } from './block-pool.ts';
import type { FirstTokens, KvMemory, KvTensors } from './kv-cache.ts';

interface DeviceCacheOptions {
  readonly config: ModelConfig;
  /** The first included, which is no sequence's. */
  readonly blocks: number;
  readonly programs: ExecutableCache;
  /** Keeps the cache's memory for the next one. */
  readonly memory: DevicePassMemory;
}

/** A cache in the memory of a device, in the order of the one in the process: keys and values of one layer after the other. */
export class DeviceKvCache implements KvMemory {
  readonly pool: BlockPool;
  readonly #options: DeviceCacheOptions;
  /** Keys and values of each layer, as rows of blocks. */
  readonly #blocks: readonly DeviceTensor[];
  readonly #tensors: KvTensors<DeviceTensor>;
  /** Where the tokens of the list go that was written last: the same in every layer. */
  #places: { readonly of: readonly FirstTokens[]; readonly tensors: AnyTensors } | undefined;

  constructor(options: DeviceCacheOptions) {
    this.#options = options;
    const { config, blocks, memory } = options;
    const { layers, kvHeads, headDim } = config;
    this.pool = new BlockPool(blocks);
    const size = cacheBlock * kvHeads * headDim;
    const all = memory.tensor('kv cache', [2 * layers, blocks, size], cacheType(config));
    memory.fillWithZeros(all); // what a mask leaves out is multiplied by 0, which no NaN survives
    this.#blocks = Array.from({ length: 2 * layers }, (_, at) => ({
      ...deviceRows(all, at, at + 1),
      dims: [blocks, size],
    }));
    const ofLayers = (first: 0 | 1, dims: readonly number[]) =>
      this.#blocks.filter((_, at) => at % 2 === first).map((tensor) => ({ ...tensor, dims }));
    this.#tensors = {
      keys: ofLayers(0, [blocks * size]),
      values: ofLayers(1, [blocks * kvHeads * cacheBlock, headDim]),
    };
  }

  async write(layer: number, heads: KvHeads, sequences: readonly FirstTokens[]): Promise<void> {
    const { config, programs } = this.#options;
    const [keys, values] = [this.#tensors.keys[layer], this.#tensors.values[layer]] as [DeviceTensor, DeviceTensor];
    const program = await programs.get('cache write', () => cacheWriteProgram(config));
    const places = await this.#placesOf(sequences, heads.keys.dims[0] as number);
    await program.run(
      { k: heads.keys, v: heads.values, ...places, keys, values },
      { 'next.keys': keys, 'next.values': values },
    );
  }

  async #placesOf(sequences: readonly FirstTokens[], tokens: number): Promise<AnyTensors> {
    if (this.#places?.of === sequences) return this.#places.tensors;
    // Tokens that are no sequence's go into the block that is nobody's.
    const [block, offset] = [Array.from({ length: tokens }, () => 0), Array.from({ length: tokens }, () => 0)];
    for (const { start, count, blocks } of sequences) {
      for (let position = 0; position < count; position++) {
        block[start + position] = blocks[Math.floor(position / cacheBlock)] as number;
        offset[start + position] = position % cacheBlock;
      }
    }
    const { memory } = this.#options;
    const tensors = {
      block: await memory.indices('cached block', block, [tokens]),
      offset: await memory.indices('cached offset', offset, [tokens]),
    };
    this.#places = { of: sequences, tensors };
    return tensors;
  }

  copyBlock(from: number, to: number): void {
    const { memory } = this.#options;
    for (const blocks of this.#blocks) memory.copy(deviceRows(blocks, from, from + 1), deviceRows(blocks, to, to + 1));
  }

  tensors(): KvTensors<DeviceTensor> {
    return this.#tensors;
  }

  /** The memory stays where it is, for the next cache. */
  release(): void {
    this.#places = undefined;
  }
}
