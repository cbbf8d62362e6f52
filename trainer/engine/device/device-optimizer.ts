import { addProgram } from '../../models/programs.ts';
import type { ParameterLayout } from '../../models/parameters.ts';
import { adamwFactors, type AdamWSettings, type Range, segments } from '../../optim/adamw.ts';
import { adamwProgram } from '../../optim/adamw-program.ts';
import { sumOfSquaresProgram } from '../../optim/sum-of-squares-program.ts';
import type { DevicePassMemory } from '../../passes/device-pass-memory.ts';
import { type DeviceMemory, deviceRows, type PeerTensor, peerRows } from '../../runtime/device-memory.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { DeviceTensor } from '../../runtime/tensor.ts';
import type { Moments } from '../backend.ts';
import { type GradientSums, SumsInPlace } from '../gradient-sums.ts';
import { flatTensor, type TrainedValues } from './device-parameters.ts';
import { sumOfTree } from './gradient-tree.ts';

interface DeviceOptimizerOptions {
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  /** What this lane updates, in the blocks in which squares are summed. */
  readonly blocks: readonly Range[];
  readonly runtime: Runtime;
  readonly device: DeviceMemory;
  readonly programs: ExecutableCache;
  readonly memory: DevicePassMemory;
}

/** Gradients of some micro-batches, in memory for those of all that is trained. */
interface PartialSum {
  readonly values: DeviceTensor<'float32'>;
  readonly sums: GradientSums;
}

/** The gradient of what is trained, and the moments of what this lane updates, in the memory of a device. */
export class DeviceOptimizer {
  readonly #options: DeviceOptimizerOptions;
  readonly #range: Range;
  readonly #partialSums: PartialSum[] = [];
  #gradient: PartialSum;
  readonly #m: DeviceTensor<'float32'>;
  readonly #v: DeviceTensor<'float32'>;

  constructor(options: DeviceOptimizerOptions) {
    this.#options = options;
    const { blocks, device } = options;
    this.#range = { start: blocks[0]?.start ?? 0, end: blocks.at(-1)?.end ?? 0 };
    this.#gradient = this.#newPartialSum();
    const { start, end } = this.#range;
    [this.#m, this.#v] = [0, 1].map(() => flatTensor(device, 'float32', end - start)) as [
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
    ];
    for (const moment of [this.#m, this.#v]) device.fillWithZeros(moment);
  }

  /**
   * Sums gradients over a tree.
   *
   * @param addAll adds those of a leaf, from the first on: it overwrites what is there
   */
  async sum<P>(
    leaves: readonly (readonly P[])[],
    addAll: (sums: GradientSums, leaf: readonly P[]) => Promise<void>,
  ): Promise<void> {
    const free = [...this.#partialSums];
    const sum = await sumOfTree(leaves, {
      sumOf: async (leaf) => {
        if (leaf.length === 0) return undefined;
        const partial = free.pop() ?? this.#newPartialSum();
        await addAll(partial.sums, leaf);
        return partial;
      },
      add: async (left, right) => {
        for (const { start, end } of this.#options.layout.tensors.map(rangeOf)) {
          // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
          await this.#add(deviceRows(left.values, start, end), deviceRows(right.values, start, end));
        }
        free.push(right);
        return left;
      },
    });
    if (sum) this.#gradient = sum;
  }

  /** As this lane has it; a part of it, or all. */
  gradient({ start, end }: Range = { start: 0, end: this.#options.layout.size }): DeviceTensor<'float32'> {
    return deviceRows(this.#gradient.values, start, end);
  }

  /**
   * What this lane updates of the gradient becomes the sum of what the lanes have of it, a block at a time. It is done with the others' memory
   * when it resolves.
   *
   * @param ofLanes by lane; undefined where a lane has had no micro-batch
   */
  async sumOfLanes(ofLanes: readonly (PeerTensor<'float32'> | 'own' | undefined)[]): Promise<void> {
    const { blocks, device, memory } = this.#options;
    for (const block of blocks) {
      const own = this.gradient(block);
      let others = 0;
      const parts = ofLanes.map((ofLane) => {
        if (ofLane === undefined || ofLane === 'own') return ofLane && own;
        const copied = memory.tensor(`other gradient ${others++}`, own.dims);
        device.copyFromPeer(peerRows(ofLane, block.start, block.end), copied);
        return copied;
      });
      // oxlint-disable-next-line no-await-in-loop -- the next block takes the memory of this one's copies
      await this.#sumOfBlock(own, parts);
    }
    device.finish();
  }

  async #sumOfBlock(own: DeviceTensor<'float32'>, parts: readonly (DeviceTensor<'float32'> | undefined)[]) {
    const sum = await sumOfTree(parts, {
      sumOf: async (part) => part,
      add: async (left, right) => {
        await this.#add(left, right);
        return left;
      },
    });
    if (sum && sum.buffer !== own.buffer) this.#options.device.copy(sum, own);
  }

  /** Σ x² of the gradient, by block. */
  async squares(): Promise<readonly number[]> {
    const { blocks, programs, memory } = this.#options;
    const program = await programs.get('sum of squares', sumOfSquaresProgram);
    const sums = memory.tensor('squares', [blocks.length], 'float64');
    for (const [index, block] of blocks.entries()) {
      // oxlint-disable-next-line no-await-in-loop
      await program.run({ x: this.gradient(block) }, { sum: deviceRows(sums, index, index + 1) });
    }
    return [...memory.readDoubles(sums)];
  }

  /** AdamW in place, of what this lane updates; a copy in bfloat16 is written with it. */
  async update(parameters: TrainedValues, settings: AdamWSettings, step: number, gradientScale: number): Promise<void> {
    const { layout, programs, memory } = this.#options;
    const { values, rounded } = parameters;
    const program = await (rounded
      ? programs.get('adamw rounded', () => adamwProgram(true))
      : programs.get('adamw', adamwProgram));
    const first = this.#range.start;
    for (const { start, end, decay } of segments(layout.tensors, first, this.#range.end)) {
      const factors = adamwFactors(settings, step, gradientScale, decay);
      const p = deviceRows(values, start, end);
      const [m, v] = [this.#m, this.#v].map((moment) => deviceRows(moment, start - first, end - first)) as [
        DeviceTensor<'float32'>,
        DeviceTensor<'float32'>,
      ];
      // oxlint-disable-next-line no-await-in-loop
      await program.run(
        {
          parameters: p,
          m,
          v,
          gradient: this.gradient({ start, end }),
          factors: memory.floats('factors', factors, [factors.length]),
        },
        {
          'next.parameters': p,
          'next.m': m,
          'next.v': v,
          ...(rounded && { rounded: deviceRows(rounded, start, end) }),
        },
      );
    }
  }

  /** Of what this lane updates. */
  moments(): Moments {
    const { memory } = this.#options;
    return { m: memory.read(this.#m), v: memory.read(this.#v) };
  }

  restore({ m, v }: Moments): void {
    const { device } = this.#options;
    device.copyIn(m, this.#m);
    device.copyIn(v, this.#v);
  }

  async #add(a: DeviceTensor, b: DeviceTensor): Promise<void> {
    const program = await this.#options.programs.get('add', addProgram);
    await program.run({ a, b }, { sum: a });
  }

  #newPartialSum(): PartialSum {
    const { layout, device, runtime } = this.#options;
    const values = flatTensor(device, 'float32', layout.size);
    const views = layout.tensors.map((tensor): [string, DeviceTensor] => {
      const { start, end } = rangeOf(tensor);
      return [tensor.name, { ...deviceRows(values, start, end), dims: tensor.shape }];
    });
    const partial = { values, sums: new SumsInPlace(Object.fromEntries(views), runtime) };
    this.#partialSums.push(partial);
    return partial;
  }
}

function rangeOf({ offset, size }: { readonly offset: number; readonly size: number }): Range {
  return { start: offset, end: offset + size };
}
