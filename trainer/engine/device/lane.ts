import type { ModelConfig } from '../../models/config.ts';
import type { AttentionOp, Loss } from '../../models/programs.ts';
import { type ParameterLayout, parameterLayout, trainedLayout } from '../../models/parameters.ts';
import { DevicePassMemory } from '../../passes/device-pass-memory.ts';
import { HeadRuns } from '../../passes/head-runs.ts';
import { LayerRuns, tokenTensors } from '../../passes/layer-runs.ts';
import { Decoder } from '../../rollout/decoder.ts';
import { isDone } from '../../rollout/claims.ts';
import { DeviceKvCache } from '../../rollout/device-kv-cache.ts';
import { DeviceSampler } from '../../rollout/device-sampler.ts';
import { generate, prefillTokens } from '../../rollout/generation.ts';
import { generateLive, type LiveEvent } from '../../rollout/live/generate-live.ts';
import { type LiveNews, LiveRequests } from '../../rollout/live/live-requests.ts';
import { LiveSampler } from '../../rollout/live/live-sampler.ts';
import { nextGroup } from '../../rollout/group-queue.ts';
import type { Completion } from '../../rollout/requests.ts';
import type { Range } from '../../optim/adamw.ts';
import { deviceRows, type PeerTensor, peerRows } from '../../runtime/device-memory.ts';
import type { DeviceTensor } from '../../runtime/tensor.ts';
import type { Device } from '../../runtime/open-device.ts';
import { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { MicroBatchResult } from '../backend.ts';
import { numberRows } from '../embedding-rows.ts';
import { completionFeeds, completionNumbers, scoreFeeds } from '../feeds.ts';
import { GradientRuns } from '../gradient-runs.ts';
import { hearOfJob, type JobHandlers } from '../serve-jobs.ts';
import { chooseAttention } from './choose-attention.ts';
import { DeviceOptimizer } from './device-optimizer.ts';
import { DeviceParameters } from './device-parameters.ts';
import type { LaneJobs, LaneSettings } from './protocol.ts';

/** Tells the main thread of something before a job is done. */
type Tell = (jobId: number, event: LaneEvent) => void;

/** A completion, what a live generation tells, or a sign of life. */
export type LaneEvent = { readonly index: number; readonly completion: Completion } | LiveEvent | undefined;

/**
 * One device and all that is in its memory: parameters, gradient, moments, a cache, and what passes work in. Ids, positions and numbers of
 * losses go in; losses, probabilities and sampled ids come out.
 */
export class Lane {
  readonly handlers: JobHandlers<LaneJobs>;
  readonly #config: ModelConfig;
  readonly #device: Device;
  readonly #throwIfUnwanted: () => void;
  readonly #tell: Tell;
  readonly #programs: ExecutableCache;
  readonly #memory: DevicePassMemory;
  readonly #parameters: DeviceParameters;
  readonly #optimizer: DeviceOptimizer | undefined;
  readonly #layers: LayerRuns;
  readonly #heads: HeadRuns;
  readonly #gradients: Readonly<Record<AttentionOp, GradientRuns>>;
  readonly #sampler: DeviceSampler;
  readonly #rowOf: Int32Array;

  constructor({ config, head, optimizer, blocks, unwanted }: LaneSettings, device: Device, tell: Tell) {
    const layout: ParameterLayout = parameterLayout(config, head);
    const trained = trainedLayout(layout);
    const { runtime, memory: ofDevice } = device;
    this.#config = config;
    this.#device = device;
    this.#tell = tell;
    this.#throwIfUnwanted = () => {
      if (Atomics.load(unwanted, 0) !== 0) throw new Error('the engine is closed');
    };
    const programs = new ExecutableCache(runtime, 32);
    const memory = new DevicePassMemory(ofDevice, programs);
    [this.#programs, this.#memory] = [programs, memory];
    this.#parameters = new DeviceParameters(layout, ofDevice, programs);
    if (optimizer) {
      this.#optimizer = new DeviceOptimizer({ layout: trained, blocks, runtime, device: ofDevice, programs, memory });
    }
    this.#layers = new LayerRuns(config, programs, memory, this.#throwIfUnwanted);
    this.#heads = new HeadRuns(config, programs, memory);
    const turns = { await: () => undefined, pass: () => undefined }; // one micro-batch after the other
    const gradients = (attentionOp: AttentionOp): GradientRuns => {
      const of = { ...config, attentionOp };
      const layers = new LayerRuns(of, programs, memory, this.#throwIfUnwanted);
      return new GradientRuns({ config: of, head, layout: trained, programs, layers, turns });
    };
    this.#gradients = { Attention: gradients('Attention'), SequenceAttention: gradients('SequenceAttention') };
    this.#sampler = new DeviceSampler(config.vocabularySize, programs, memory);
    this.#rowOf = new Int32Array(config.vocabularySize);
    this.handlers = this.#handlers();
  }

  #handlers(): JobHandlers<LaneJobs> {
    const parameters = this.#parameters;
    return {
      ready: async () => this.#device.runtime.cancellation,
      addSet: async ({ set, sharesFrozen }) => {
        parameters.add(set, sharesFrozen);
        return true;
      },
      writeTensor: async ({ set, tensor, values }) => {
        parameters.write(set, tensor, values);
        return true;
      },
      readTensor: async ({ set, tensor }) => parameters.read(set, tensor),
      copySet: async ({ from, to }) => {
        parameters.copy(from, to);
        return true;
      },
      readMoments: async () => this.#training().moments(),
      writeMoments: async (moments) => {
        this.#training().restore(moments);
        return true;
      },
      generate: async (request, id) => this.#generate(request, id),
      generateLive: async (request, id) => this.#generateLive(request, id),
      tokenFigures: async (request) => this.#tokenFigures(request),
      scores: async (request) => this.#scores(request),
      gradient: async ({ leaves }, id) => this.#gradient(leaves, id),
      exposeGradient: async () => this.#device.memory.expose(this.#training().gradient()),
      sumGradients: async ({ ofLanes }) => {
        await this.#training().sumOfLanes(ofLanes);
        return true;
      },
      squares: async () => this.#training().squares(),
      update: async ({ settings, step, gradientScale }) => {
        await this.#training().update(parameters.changing('policy'), settings, step, gradientScale);
        return true;
      },
      exposePolicy: async () => {
        const { memory } = this.#device;
        const { values, rounded } = parameters.changing('policy');
        return { values: memory.expose(values), rounded: rounded && memory.expose(rounded) };
      },
      takeParameters: async ({ from }) => {
        this.#takeParameters(from);
        return true;
      },
      room: async () => this.#memory.room,
      makeRoom: async ({ room }) => {
        this.#memory.makeRoom(room);
        return true;
      },
      use: async () => {
        const { mostBytes, waitedMs, traffic } = this.#device.memory;
        const { bytesIn, bytesOut, allocations } = traffic;
        return { mostBytes, waitedMs, borderBytes: bytesIn + bytesOut, allocations };
      },
      traffic: async () => this.#device.memory.traffic,
    };
  }

  #takeParameters(from: LaneJobs['takeParameters']['request']['from']): void {
    const { memory } = this.#device;
    const own = this.#parameters.changing('policy');
    const take = (peer: PeerTensor, here: DeviceTensor, { start, end }: Range): void =>
      memory.copyFromPeer(peerRows(peer, start, end), deviceRows(here, start, end));
    for (const { policy, range } of from) {
      take(policy.values, own.values, range);
      if (policy.rounded && own.rounded) take(policy.rounded, own.rounded, range);
    }
    memory.finish();
  }

  async #generate(request: LaneJobs['generate']['request'], id: number): Promise<true> {
    const { set, temperature, groups, queue, claims, rows, blocks } = request;
    const [config, programs, memory] = [this.#config, this.#programs, this.#memory];
    const cache = new DeviceKvCache({ config, blocks, programs, memory });
    const parameters = await this.#parameters.of(set);
    const decoder = await Decoder.create({ config, programs, layers: this.#layers, parameters, cache, temperature });
    // Which prompts run together is chance where several lanes take them.
    this.#layers.reserve(prefillTokens);
    decoder.reserve(rows);
    try {
      await generate({
        decoder,
        sampler: this.#sampler,
        cache,
        rows,
        maxLength: config.maxLength,
        throwIfUnwanted: this.#throwIfUnwanted,
        next: () => nextGroup(groups, queue, claims),
        onCompletion: (index, completion) => this.#tell(id, { index, completion }),
        isDone: (index) => isDone(claims, index),
      });
    } finally {
      decoder.release();
      cache.release();
    }
    return true;
  }

  async #generateLive({ set, rows, blocks }: LaneJobs['generateLive']['request'], id: number): Promise<true> {
    const requests = new LiveRequests();
    const deafen = hearOfJob(id, (news) => requests.hear(news as LiveNews));
    const [config, programs, memory, layers] = [this.#config, this.#programs, this.#memory, this.#layers];
    const cache = new DeviceKvCache({ config, blocks, programs, memory });
    const parameters = await this.#parameters.of(set);
    const decoder = await Decoder.create({ config, programs, layers, parameters, cache, temperature: 1 });
    try {
      await generateLive({
        requests,
        decoder,
        sampler: new LiveSampler(config.vocabularySize, memory),
        cache,
        rows,
        maxLength: config.maxLength,
        throwIfUnwanted: this.#throwIfUnwanted,
        onEvent: (event) => this.#tell(id, event),
      });
    } finally {
      deafen();
      decoder.release();
      cache.release();
    }
    return true;
  }

  async #tokenFigures({ set, sequences, asked }: LaneJobs['tokenFigures']['request']) {
    const parameters = await this.#parameters.of(set);
    const { packing, ...predictions } = completionFeeds(sequences);
    const x = await this.#layers.forward(parameters, await tokenTensors(this.#memory, packing));
    const figures = await this.#heads.tokenFigures(parameters, x, predictions, asked);
    return completionNumbers(figures, sequences);
  }

  async #scores({ set, sequences }: LaneJobs['scores']['request']) {
    const parameters = await this.#parameters.of(set);
    const { packing, picked } = scoreFeeds(sequences);
    const x = await this.#layers.forward(parameters, await tokenTensors(this.#memory, packing));
    return [...(await this.#heads.scores(parameters, x, picked)).subarray(0, sequences.length)];
  }

  async #gradient(leaves: LaneJobs['gradient']['request']['leaves'], id: number) {
    const parameters = await this.#parameters.of('policy');
    const results: MicroBatchResult[] = [];
    await this.#training().sum(leaves, async (sums, parts) => {
      const count = numberRows(parts, this.#rowOf);
      const rows = this.#memory.tensor('embedding gradient', [count, this.#config.hiddenSize]);
      const memory = { sums, embedding: { rowOf: this.#rowOf, rows } };
      for (const [index, { batch }] of parts.entries()) {
        const place = { index, last: index === parts.length - 1 };
        // oxlint-disable-next-line no-await-in-loop -- their gradients are added in this order
        results.push(await this.#gradients[this.#attentionFor(batch.loss)].run(parameters, batch, memory, place));
        this.#tell(id, undefined);
      }
    });
    return results;
  }

  #attentionFor(loss: Loss): AttentionOp {
    return chooseAttention({ loss, config: this.#config, library: this.#device.attentionLibrary });
  }

  #training(): DeviceOptimizer {
    if (this.#optimizer === undefined) throw new Error('this engine was created without an optimizer');
    return this.#optimizer;
  }
}
