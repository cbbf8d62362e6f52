import { parentPort, workerData } from 'node:worker_threads';
import { TrainerError } from '../../contract/errors.ts';
import { parameterLayout, trainedLayout } from '../../models/parameters.ts';
import { cacheType } from '../../models/programs.ts';
import { HeadRuns } from '../../passes/head-runs.ts';
import { LayerRuns, tokenTensors } from '../../passes/layer-runs.ts';
import { ProcessMemory } from '../../passes/process-memory.ts';
import { Decoder } from '../../rollout/decoder.ts';
import { type Claims, isDone, takeClaim } from '../../rollout/claims.ts';
import { generate } from '../../rollout/generation.ts';
import { KvCache } from '../../rollout/kv-cache.ts';
import { ProcessSampler } from '../../rollout/sampler.ts';
import type { PromptGroup } from '../../rollout/requests.ts';
import { ExecutableCache } from '../../runtime/executable-cache.ts';
import { openRuntime } from '../../runtime/open-runtime.ts';
import { floatTensor } from '../../runtime/tensor.ts';
import { completionFeeds, completionNumbers, scoreFeeds } from '../feeds.ts';
import { GradientRuns } from '../gradient-runs.ts';
import { type GradientSums, SumsInPlace } from '../gradient-sums.ts';
import { CopiedSums } from './copied-sums.ts';
import { CopiedParameters, parameterViews, SharedParameters } from './parameter-tensors.ts';
import type { JobKind, Jobs, Reply, Request, WorkerSettings } from './protocol.ts';
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

type Handlers = { [K in JobKind]: (request: Jobs[K]['request'], id: number) => Promise<Jobs[K]['result']> };

const handlers: Handlers = {
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
        onCompletion: (index, completion) => reply({ kind: 'completion', id, index, completion }),
        isDone: (index) => isDone(claims, index),
      });
    } finally {
      decoder.release();
      cache.release();
    }
    return true;
  },

  async probabilities({ source, sequences, inverseTemperature }) {
    const parameters = parameterTensors.of(source);
    const { packing, ...predictions } = completionFeeds(sequences);
    const x = await layers.forward(parameters, await tokenTensors(memory, packing));
    return completionNumbers(await heads.probabilities(parameters, x, predictions, inverseTemperature), sequences);
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

/** The next group that has samples left to take, with these alone. */
function nextGroup(groups: readonly PromptGroup[], queue: Int32Array, claims: Claims): PromptGroup | undefined {
  for (;;) {
    const group = groups[Atomics.add(queue, 0, 1)];
    if (group === undefined) return undefined;
    const samples = group.samples.filter(({ index }) => takeClaim(claims, index));
    if (samples.length > 0) return { promptIds: group.promptIds, samples };
  }
}

function reply(message: Reply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

async function answer(request: Exclude<Request, { kind: 'stop' }>): Promise<void> {
  try {
    throwIfUnwanted();
    const handler = handlers[request.kind] as (request: object, id: number) => Promise<unknown>;
    reply({ kind: 'result', id: request.id, result: await handler(request, request.id) });
  } catch (error) {
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    const reason = error instanceof TrainerError ? error.reason : undefined;
    reply({ kind: 'error', id: request.id, job: request.kind, message, stack, reason });
  }
}

Atomics.add(running, 0, 1);
process.on('exit', () => {
  Atomics.sub(running, 0, 1);
  Atomics.notify(running, 0);
});

let previous = Promise.resolve();
parentPort?.on('message', (request: Request) => {
  if (request.kind === 'stop') process.exit(); // the thread's own: the process goes on
  previous = previous.then(async () => answer(request));
});
