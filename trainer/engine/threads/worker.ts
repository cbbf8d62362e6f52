import { workerData } from 'node:worker_threads';
import { parameterLayout, trainedLayout } from '../../models/parameters.ts';
import { cacheType } from '../../models/programs.ts';
import { HeadRuns } from '../../passes/head-runs.ts';
import { LayerRuns, tokenTensors } from '../../passes/layer-runs.ts';
import { ProcessMemory } from '../../passes/process-memory.ts';
import { Decoder } from '../../rollout/decoder.ts';
import { isDone } from '../../rollout/claims.ts';
import { generate } from '../../rollout/generation.ts';
import { KvCache } from '../../rollout/kv-cache.ts';
import { generateLive } from '../../rollout/live/generate-live.ts';
import { type LiveNews, LiveRequests } from '../../rollout/live/live-requests.ts';
import { LiveSampler } from '../../rollout/live/live-sampler.ts';
import { ProcessSampler } from '../../rollout/sampler.ts';
import { nextGroup } from '../../rollout/group-queue.ts';
import { ExecutableCache } from '../../runtime/executable-cache.ts';
import { openRuntime } from '../../runtime/open-runtime.ts';
import { floatTensor } from '../../runtime/tensor.ts';
import { completionFeeds, completionNumbers, scoreFeeds } from '../feeds.ts';
import { GradientRuns } from '../gradient-runs.ts';
import { type GradientSums, SumsInPlace } from '../gradient-sums.ts';
import { CopiedSums } from './copied-sums.ts';
import { CopiedParameters, parameterViews, SharedParameters } from './parameter-tensors.ts';
import { hearOfJob, type JobHandlers, serveJobs, tellOfJob } from '../serve-jobs.ts';
import type { CompletionEvent, Jobs, WorkerSettings } from './protocol.ts';
import { PanelRuns } from './panels.ts';
import { round } from './round.ts';
import { sumSquares } from './squares.ts';
import { awaitTurn, passTurn, throwIfRefused } from './turn.ts';
import { update } from './update.ts';

/** Entry of a worker thread: does one job at a time, in the order in which they arrive. */

const { config, head, runtime: runtimeName, turns, running } = workerData as WorkerSettings;
const layout = parameterLayout(config, head);
const trained = trainedLayout(layout);
const runtime = await openRuntime(runtimeName);
const parameterTensors = runtime.inPlace ? new SharedParameters(layout, runtime) : new CopiedParameters(layout);
const programs = new ExecutableCache(runtime, 32);
const throwIfUnwanted = () => throwIfRefused(turns);
const memory = new ProcessMemory();
const layers = new LayerRuns(config, programs, memory, throwIfUnwanted);
const heads = new HeadRuns(config, programs, memory);
const panelRuns = new PanelRuns({ config, layout: trained, runtime, programs });
const gradients = new GradientRuns({
  config,
  head,
  layout: trained,
  programs,
  layers,
  turns: {
    await: (stage, index) => awaitTurn(turns, stage, index),
    pass: (stage, index) => passTurn(turns, stage, index),
  },
});
const sampler = new ProcessSampler(config.vocabularySize);
let sums: GradientSums | undefined;

const handlers: JobHandlers<Jobs> = {
  ready: async () => runtime.cancellation,

  async generate({ source, temperature, groups, queue, claims, rows, blocks, panels }, id) {
    const parameters = parameterTensors.of(source);
    const packed = panels && panelRuns.tensors(parameters, panels);
    const cache = new KvCache(config, blocks, runtime.inPlace ? cacheType(config) : 'float32');
    const decoder = await Decoder.create({ config, programs, layers, parameters, packed, cache, temperature });
    try {
      await generate({
        decoder,
        sampler,
        cache,
        rows,
        maxLength: config.maxLength,
        throwIfUnwanted,
        next: () => nextGroup(groups, queue, claims),
        onCompletion: (index, completion) => tellOfJob(id, { index, completion } satisfies CompletionEvent),
        isDone: (index) => isDone(claims, index),
      });
    } finally {
      decoder.release();
      cache.release();
    }
    return true;
  },

  async generateLive({ source, rows, blocks, panels }, id) {
    const requests = new LiveRequests();
    const deafen = hearOfJob(id, (news) => requests.hear(news as LiveNews));
    const parameters = parameterTensors.of(source);
    const packed = panels && panelRuns.tensors(parameters, panels);
    const cache = new KvCache(config, blocks, runtime.inPlace ? cacheType(config) : 'float32');
    const decoder = await Decoder.create({ config, programs, layers, parameters, packed, cache, temperature: 1 });
    try {
      await generateLive({
        requests,
        decoder,
        sampler: new LiveSampler(config.vocabularySize, memory),
        cache,
        rows,
        maxLength: config.maxLength,
        throwIfUnwanted,
        onEvent: (event) => tellOfJob(id, event),
      });
    } finally {
      deafen();
      decoder.release();
      cache.release();
    }
    return true;
  },

  async tokenFigures({ source, sequences, asked }) {
    const parameters = parameterTensors.of(source);
    const { packing, ...predictions } = completionFeeds(sequences);
    const x = await layers.forward(parameters, await tokenTensors(memory, packing));
    return completionNumbers(await heads.tokenFigures(parameters, x, predictions, asked), sequences);
  },

  async scores({ source, sequences }) {
    const parameters = parameterTensors.of(source);
    const { packing, picked } = scoreFeeds(sequences);
    const x = await layers.forward(parameters, await tokenTensors(memory, packing));
    return [...(await heads.scores(parameters, x, picked)).subarray(0, sequences.length)];
  },

  async gradient({ source, memory: { gradient }, embedding: { rowOf, rows }, index, last, batch }) {
    const embedding = { rowOf, rows: floatTensor(rows, [rows.length / config.hiddenSize, config.hiddenSize]) };
    sums ??= sumsOf(gradient);
    return gradients.run(parameterTensors.of(source), batch, { sums, embedding }, { index, last });
  },

  async round(request) {
    await round(programs, layout, request);
    return true;
  },

  async pack(request) {
    await panelRuns.pack(request);
    return true;
  },

  async squares(request) {
    await sumSquares({ runtime, programs }, request);
    return true;
  },

  async update(request) {
    await update({ runtime, programs, layout: trained }, request);
    return true;
  },
};

/** A step's gradient always lies in the same memory. */
function sumsOf(gradient: Float32Array): GradientSums {
  const views = parameterViews(trained, gradient);
  return runtime.inPlace ? new SumsInPlace(views, runtime) : new CopiedSums(views);
}

serveJobs(handlers, running, throwIfUnwanted);
