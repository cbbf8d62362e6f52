import type { ParameterLayout } from '../../models/parameters.ts';
import { adamwFactors, type AdamWSettings, segments } from '../../optim/adamw.ts';
import { adamwProgram } from '../../optim/adamw-program.ts';
import { squareBlock } from '../../optim/clipping.ts';
import { sumOfSquaresProgram } from '../../optim/sum-of-squares-program.ts';
import type { DevicePassMemory } from '../../passes/device-pass-memory.ts';
import { type DeviceMemory, deviceRows } from '../../runtime/device-memory.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { DeviceTensor } from '../../runtime/tensor.ts';
import type { Moments } from '../backend.ts';
import { type GradientSums, SumsInPlace } from '../gradient-sums.ts';
import { flatTensor } from './device-parameters.ts';

interface DeviceOptimizerOptions {
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  readonly runtime: Runtime;
  readonly device: DeviceMemory;
  readonly programs: ExecutableCache;
  readonly memory: DevicePassMemory;
}

/** Gradient and moments of what is trained, in the memory of a device. */
export class DeviceOptimizer {
  readonly sums: GradientSums;
  readonly #options: DeviceOptimizerOptions;
  readonly #gradient: DeviceTensor<'float32'>;
  readonly #m: DeviceTensor<'float32'>;
  readonly #v: DeviceTensor<'float32'>;

  constructor(options: DeviceOptimizerOptions) {
    this.#options = options;
    const { layout, runtime, device } = options;
    [this.#gradient, this.#m, this.#v] = [0, 1, 2].map(() => flatTensor(device, 'float32', layout.size)) as [
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
    ];
    for (const moment of [this.#m, this.#v]) device.fillWithZeros(moment);
    const views = layout.tensors.map(({ name, shape, offset, size }): [string, DeviceTensor] => [
      name,
      { ...deviceRows(this.#gradient, offset, offset + size), dims: shape },
    ]);
    this.sums = new SumsInPlace(Object.fromEntries(views), runtime);
  }

  /** L2 norm of the gradient. */
  async norm(): Promise<number> {
    const { layout, programs, memory } = this.#options;
    const program = await programs.get('sum of squares', sumOfSquaresProgram);
    const blocks = Math.ceil(layout.size / squareBlock);
    const sums = memory.tensor('squares', [blocks], 'float64');
    for (let index = 0; index < blocks; index++) {
      const end = Math.min(layout.size, (index + 1) * squareBlock);
      const x = deviceRows(this.#gradient, index * squareBlock, end);
      // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
      await program.run({ x }, { sum: deviceRows(sums, index, index + 1) });
    }
    return Math.sqrt(memory.readDoubles(sums).reduce((sum, square) => sum + square, 0));
  }

  /** AdamW in place. */
  async update(
    parameters: DeviceTensor<'float32'>,
    settings: AdamWSettings,
    step: number,
    gradientScale: number,
  ): Promise<void> {
    const { layout, programs, memory } = this.#options;
    const program = await programs.get('adamw', adamwProgram);
    for (const { start, end, decay } of segments(layout.tensors, 0, layout.size)) {
      const within = (flat: DeviceTensor) => deviceRows(flat, start, end);
      const factors = adamwFactors(settings, step, gradientScale, decay);
      const [p, m, v] = [within(parameters), within(this.#m), within(this.#v)];
      // oxlint-disable-next-line no-await-in-loop
      await program.run(
        {
          parameters: p,
          m,
          v,
          gradient: within(this.#gradient),
          factors: memory.floats('factors', factors, [factors.length]),
        },
        { 'next.parameters': p, 'next.m': m, 'next.v': v },
      );
    }
  }

  moments(): Moments {
    const { memory } = this.#options;
    return { m: memory.read(this.#m), v: memory.read(this.#v) };
  }

  restore({ m, v }: Moments): void {
    const { device } = this.#options;
    device.copyIn(m, this.#m);
    device.copyIn(v, this.#v);
  }
}
