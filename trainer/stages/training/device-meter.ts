import type { Precision } from '../../contract/settings/training.ts';
import type { Engine } from '../../engine/engine.ts';
import { laneDevices } from '../../runtime/choose-device.ts';
import { peakFlops } from '../../runtime/gpu-peaks.ts';
import { gpuUtilization } from '../../runtime/open-device.ts';
import type { Metrics } from '../workspace/metrics.ts';

/** How well devices are used, from step to step. */
export class DeviceMeter {
  readonly #engine: Engine;
  readonly #precision: Precision;
  #tokens = 0;
  #flops = 0;
  #allocations = 0;

  constructor(engine: Engine, precision: Precision = 'f32') {
    this.#engine = engine;
    this.#precision = precision;
    this.#passed();
  }

  /**
   * Of what was computed since the last call.
   *
   * @param seconds since then
   * @returns nothing where no device computes
   */
  async figures(seconds: number): Promise<Metrics> {
    // A stop rejects what runs; the step that it came after is done all the same.
    const use = await this.#engine.deviceUse().catch(() => undefined);
    if (use === undefined) return {};
    const { tokens, flops } = this.#passed();
    const allocations = use.allocations - this.#allocations;
    this.#allocations = use.allocations;
    return {
      'device/memory_gb': use.mostBytes / 1e9,
      'device/allocations': allocations,
      'device/tokens_per_s': tokens / seconds,
      ...ofGpus(flops / seconds, this.#precision),
    };
  }

  #passed(): { readonly tokens: number; readonly flops: number } {
    const { tokens, flops } = this.#engine.work;
    const passed = { tokens: tokens - this.#tokens, flops: flops - this.#flops };
    [this.#tokens, this.#flops] = [tokens, flops];
    return passed;
  }
}

function ofGpus(flopsPerSecond: number, precision: Precision): Metrics {
  const gpus = laneDevices().flatMap((device) => (device.kind === 'cuda' ? [device.of] : []));
  const utilization = gpuUtilization(gpus);
  const peaks = gpus.map(({ name }) => peakFlops(name, precision) ?? NaN);
  const peak = peaks.reduce((sum, each) => sum + each, 0);
  return {
    ...(utilization !== undefined && { 'device/utilization': utilization }),
    ...(peak > 0 && { 'device/mfu': flopsPerSecond / peak }),
  };
}
