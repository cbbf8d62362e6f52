import type { Head, ModelConfig } from '../../models/config.ts';
import type { AdamWSettings } from '../../optim/adamw.ts';
import type { Claims } from '../../rollout/claims.ts';
import { cancelRuns, chooseRuntime } from '../../runtime/open-runtime.ts';
import type { DeviceTraffic } from '../../runtime/device-memory.ts';
import type { Cancellation, RuntimeName } from '../../runtime/runtime.ts';
import type { Backend, Gradient, Moments, OnCompletion, WriteMoments } from '../backend.ts';
import type { Part, TrainingPart } from '../batches.ts';
import { endAtExit } from '../end-at-exit.ts';
import type { GenerationPlan } from '../generation-plan.ts';
import { JobThread } from '../job-thread.ts';
import type { ScoredSequence, TokenSequence } from '../sequences.ts';
import type { LaneEvent } from './lane.ts';
import { LaneParameters } from './lane-parameters.ts';
import type { LaneJobs, LaneSettings } from './protocol.ts';

interface DeviceOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Makes room for training: gradient and moments. */
  readonly optimizer: boolean;
  /** Called whenever the lane has done something. */
  readonly onActivity: () => void;
}

/** A device that holds all that is computed with, driven by a thread of its own: a lane. */
export class DeviceBackend implements Backend {
  /** However many lanes there are, each has one thread. */
  readonly workers = 1;
  readonly parameters: LaneParameters;
  readonly #lane: JobThread<LaneJobs>;
  readonly #unwanted: Int32Array;
  readonly #ignoreExit: () => void;
  #cancellation: Cancellation = { kind: 'none' };

  private constructor({ config, head, optimizer, onActivity }: DeviceOptions, runtime: RuntimeName) {
    this.#unwanted = sharedWord();
    const running = sharedWord();
    const settings: LaneSettings = { config, head, optimizer, runtime, unwanted: this.#unwanted, running };
    this.#lane = new JobThread<LaneJobs>(new URL('lane-thread.ts', import.meta.url), settings, onActivity);
    this.parameters = new LaneParameters(this.#lane);
    this.#ignoreExit = endAtExit(running, () => {
      this.#endRuns();
      this.#lane.stop();
    });
  }

  static async start(options: DeviceOptions): Promise<DeviceBackend> {
    // Chosen here, as a process opens kernels in one thread first.
    const backend = new DeviceBackend(options, chooseRuntime().name);
    try {
      backend.#cancellation = await backend.#lane.run('ready', {});
      return backend;
    } catch (error) {
      await backend.close();
      throw error;
    }
  }

  async generate(
    { groups, ...plan }: GenerationPlan,
    set: string,
    claims: Claims,
    onCompletion: OnCompletion,
  ): Promise<void> {
    const queue = sharedWord();
    await this.#lane.run('generate', { ...plan, groups, set, queue, claims }, (event) => {
      const of = event as LaneEvent;
      if (of) onCompletion(of.index, of.completion);
    });
  }

  async probabilities(parts: readonly Part<TokenSequence>[], set: string, inverseTemperature: number) {
    return Promise.all(
      parts.map(async ({ sequences }) => this.#lane.run('probabilities', { set, sequences, inverseTemperature })),
    );
  }

  async scores(parts: readonly Part<ScoredSequence>[], set: string) {
    return Promise.all(parts.map(async ({ sequences }) => this.#lane.run('scores', { set, sequences })));
  }

  async gradient(parts: readonly TrainingPart[]): Promise<Gradient> {
    return this.#lane.run('gradient', { parts });
  }

  async update(settings: AdamWSettings, step: number, gradientScale: number): Promise<void> {
    this.parameters.changing('policy');
    await this.#lane.run('update', { settings, step, gradientScale });
  }

  async readMoments(): Promise<Moments> {
    return this.#lane.run('readMoments', {});
  }

  async writeMoments(write: WriteMoments): Promise<void> {
    const moments = await this.readMoments();
    await write(moments);
    await this.#lane.run('writeMoments', moments);
  }

  /** What has crossed the border of the device, and how often it was asked for memory. */
  async traffic(): Promise<DeviceTraffic> {
    return this.#lane.run('traffic', {});
  }

  /** The lane goes on: parameters and moments of the last whole step are read from it. */
  abandon(): void {
    this.#endRuns();
    this.#lane.rejectAll();
  }

  async close(): Promise<void> {
    this.#endRuns();
    await this.#lane.close();
    this.#ignoreExit();
  }

  #endRuns(): void {
    Atomics.store(this.#unwanted, 0, 1);
    cancelRuns(this.#cancellation);
  }
}

function sharedWord(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}
