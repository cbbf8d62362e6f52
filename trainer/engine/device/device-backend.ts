import type { AskedFigure } from '../../passes/head-runs.ts';
import type { Head, ModelConfig } from '../../models/config.ts';
import { parameterLayout, trainedLayout } from '../../models/parameters.ts';
import type { AdamWSettings, Range } from '../../optim/adamw.ts';
import { squareBlocks } from '../../optim/clipping.ts';
import type { Claims } from '../../rollout/claims.ts';
import type { LaneDevice } from '../../runtime/choose-device.ts';
import type { DeviceTraffic } from '../../runtime/device-memory.ts';
import { runtimeOnGpu } from '../../runtime/open-device.ts';
import { chooseRuntime } from '../../runtime/open-runtime.ts';
import type { LiveEvent } from '../../rollout/live/generate-live.ts';
import type { Backend, DeviceUse, Gradient, LiveThread, Moments, OnCompletion, WriteMoments } from '../backend.ts';
import type { Part, TrainingPart } from '../batches.ts';
import type { GenerationPlan, LivePlan } from '../generation-plan.ts';
import type { ScoredSequence, TokenSequence } from '../sequences.ts';
import { Exchange } from './exchange.ts';
import { leavesOf, sharesOf } from './gradient-tree.ts';
import type { LaneEvent } from './lane.ts';
import { LaneParameters } from './lane-parameters.ts';
import { Lanes } from './lanes.ts';
import { levelRoom } from './level-room.ts';
import { sharedWord } from '../../runtime/shared-word.ts';

interface DeviceOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** One for each lane. */
  readonly devices: readonly LaneDevice[];
  /** Makes room for training: gradient and moments. */
  readonly optimizer: boolean;
  /** Called whenever a lane has done something. */
  readonly onActivity: () => void;
}

/**
 * Devices that hold all that is computed with, each driven by a thread of its own, a lane. Each has all parameters; moments are shared out, and so is
 * the work. The number of lanes changes no bit.
 */
export class DeviceBackend implements Backend {
  readonly parameters: LaneParameters;
  readonly #lanes: Lanes;
  readonly #exchange: Exchange;
  /** Of what is trained, the part whose moments each lane has. */
  readonly #shares: readonly Range[];

  private constructor(lanes: Lanes, blocks: readonly (readonly Range[])[]) {
    this.#lanes = lanes;
    this.parameters = new LaneParameters(lanes);
    this.#shares = blocks.map((ofLane) => ({ start: ofLane[0]?.start ?? 0, end: ofLane.at(-1)?.end ?? 0 }));
    this.#exchange = new Exchange(lanes, this.#shares);
  }

  /** @throws Error where a device cannot be opened */
  static async start({ onActivity, devices, ...options }: DeviceOptions): Promise<DeviceBackend> {
    const { size } = trainedLayout(parameterLayout(options.config, options.head));
    const blocks = sharesOf(squareBlocks(size), devices.length);
    const settings = { ...options, runtime: chooseRuntime().name };
    const places = devices.map((device, lane) => ({ device, blocks: blocks[lane] ?? [] }));
    if (devices.some(({ kind }) => kind === 'cuda')) runtimeOnGpu(0); // a process opens kernels in one thread first
    return new DeviceBackend(await Lanes.start(places, settings, onActivity), blocks);
  }

  /** Each lane has one thread. */
  get workers(): number {
    return this.#lanes.size;
  }

  async generate(plan: GenerationPlan, set: string, claims: Claims, onCompletion: OnCompletion): Promise<void> {
    const queue = sharedWord();
    await this.#lanes.each(
      'generate',
      () => ({ ...plan, set, queue, claims }),
      (event) => {
        const of = event as LaneEvent;
        if (of && 'completion' in of) onCompletion(of.index, of.completion);
      },
    );
    await levelRoom(this.#lanes);
  }

  async generateLive(plan: LivePlan, set: string, onEvent: (event: LiveEvent) => void): Promise<LiveThread[]> {
    return this.#lanes.live({ ...plan, set }, onEvent);
  }

  async tokenFigures(parts: readonly Part<TokenSequence>[], set: string, asked: AskedFigure) {
    const requests = parts.map(({ sequences }) => ({ set, sequences, asked }));
    const figures = await this.#lanes.all('tokenFigures', requests);
    await levelRoom(this.#lanes);
    return figures;
  }

  async scores(parts: readonly Part<ScoredSequence>[], set: string) {
    const requests = parts.map(({ sequences }) => ({ set, sequences }));
    const scores = await this.#lanes.all('scores', requests);
    await levelRoom(this.#lanes);
    return scores;
  }

  async gradient(parts: readonly TrainingPart[]): Promise<Gradient> {
    const ofLanes = sharesOf(leavesOf(parts), this.#lanes.size);
    const results = await this.#lanes.each('gradient', (lane) => ({ leaves: ofLanes[lane] ?? [] }));
    await this.#exchange.sumGradients(results.map(({ length }) => length > 0));
    const squares = (await this.#lanes.each('squares', () => ({}))).flat();
    await levelRoom(this.#lanes);
    return { results: results.flat(), norm: Math.sqrt(squares.reduce((sum, square) => sum + square, 0)) };
  }

  async update(settings: AdamWSettings, step: number, gradientScale: number): Promise<void> {
    this.parameters.changing('policy');
    await this.#lanes.each('update', () => ({ settings, step, gradientScale }));
    await this.#exchange.spreadParameters();
  }

  async readMoments(): Promise<Moments> {
    const ofLanes = await this.#lanes.each('readMoments', () => ({}));
    const [only] = ofLanes;
    if (only && ofLanes.length === 1) return only;
    const size = this.#shares.at(-1)?.end ?? 0;
    const [m, v] = [new Float32Array(size), new Float32Array(size)];
    for (const [lane, { start }] of this.#shares.entries()) {
      const of = ofLanes[lane] as Moments;
      m.set(of.m, start);
      v.set(of.v, start);
    }
    return { m, v };
  }

  async writeMoments(write: WriteMoments): Promise<void> {
    const { m, v } = await this.readMoments();
    await write({ m, v });
    await this.#lanes.each('writeMoments', (lane) => {
      const { start, end } = this.#shares[lane] as Range;
      return { m: m.slice(start, end), v: v.slice(start, end) };
    });
  }

  /** What has crossed the borders of the devices, and how often they were asked for memory and waited for; of all lanes together. */
  async traffic(): Promise<DeviceTraffic> {
    const ofLanes = await this.#lanes.each('traffic', () => ({}));
    const sumOf = (name: keyof DeviceTraffic) => ofLanes.reduce((sum, traffic) => sum + traffic[name], 0);
    return {
      allocations: sumOf('allocations'),
      bytesIn: sumOf('bytesIn'),
      bytesOut: sumOf('bytesOut'),
      bytesFromPeers: sumOf('bytesFromPeers'),
      waits: sumOf('waits'),
    };
  }

  async deviceUse(): Promise<DeviceUse> {
    const ofLanes = await this.#lanes.each('use', () => ({}));
    return {
      mostBytes: Math.max(...ofLanes.map(({ mostBytes }) => mostBytes)),
      waitedMs: ofLanes.reduce((sum, { waitedMs }) => sum + waitedMs, 0) / ofLanes.length,
      borderBytes: ofLanes.reduce((sum, { borderBytes }) => sum + borderBytes, 0),
      allocations: ofLanes.reduce((sum, { allocations }) => sum + allocations, 0),
    };
  }

  /** The lanes go on: parameters and moments of the last whole step are read from them. */
  abandon(): void {
    this.#lanes.abandon();
  }

  async close(): Promise<void> {
    await this.#lanes.close();
  }
}
