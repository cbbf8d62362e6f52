import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import { Engine } from '../../../trainer/engine/engine.ts';
import type { GenerationRequest, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { StepSettings } from '../../../trainer/engine/optimizer-step.ts';
import type { Head, ModelConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import type { HostDevice } from '../../../trainer/runtime/choose-device.ts';
import type { RuntimeName } from '../../../trainer/runtime/runtime.ts';
import { randomParameters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { fromFlat } from '../../support/flat-parameters.ts';

export const stepSettings: StepSettings = {
  learningRate: 0.01,
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
};

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map(async (engine) => engine.close()));
});

interface TinyEngine {
  readonly config?: ModelConfig;
  readonly head?: Head;
  readonly workers?: number;
  readonly optimizer?: boolean;
  readonly stop?: AbortSignal;
  readonly runtime?: RuntimeName;
  /** Computes in a device's memory; in that of worker threads when absent. */
  readonly device?: HostDevice;
  /** Threads that have a device each. */
  readonly lanes?: number;
}

/** An engine with a tiny random model, closed after the test. */
export async function tinyEngine(options: TinyEngine = {}): Promise<Engine> {
  const engine = await createEngine(options);
  engines.push(engine);
  return engine;
}

/** One engine for the tests of a file that leave it as it is. */
export function sharedEngine(options: TinyEngine = {}): () => Engine {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(async () => engine?.close());
  return () => engine as Engine;
}

async function createEngine({
  config = tinyConfig(),
  head = 'lm',
  workers = 1,
  optimizer = false,
  stop,
  runtime,
  device,
  lanes,
}: TinyEngine): Promise<Engine> {
  const { R1_RUNTIME, R1_DEVICE, R1_LANES } = process.env;
  const asked = { R1_RUNTIME, R1_DEVICE, R1_LANES };
  if (runtime) process.env['R1_RUNTIME'] = runtime;
  if (device) process.env['R1_DEVICE'] = device;
  if (lanes) process.env['R1_LANES'] = String(lanes);
  try {
    const parameters = fromFlat(parameterLayout(config, head), flatParameters(config, head));
    return await Engine.create({ config, head, workers, optimizer, stop, parameters });
  } finally {
    for (const [name, value] of Object.entries(asked)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

export function flatParameters(config: ModelConfig, head: Head): Float32Array {
  const { tensors, size } = parameterLayout(config, head);
  const parameters = new Float32Array(size);
  const named = randomParameters(config, head);
  for (const { name, offset } of tensors) parameters.set(named[name] as Float32Array, offset);
  return parameters;
}

/** Requests with prompts of several lengths, two samples each, that end at different times. */
export function requests(count: number, sampling: Partial<GenerationRequest['sampling']> = {}): GenerationRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    promptIds: tokenIds(1 + ((7 * (index >> 1)) % 23), 50, index >> 1),
    key: randomKey('engine test', index),
    sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 5 + ((index * 11) % 30), ...sampling },
    stopIds: [3, 4],
  }));
}

/** Sequences of several lengths; the first half of each is a prompt. */
export function supervisedBatch(count: number): TrainingBatch {
  const sequences = Array.from({ length: count }, (_, index) => {
    const ids = tokenIds(4 + ((index * 29) % 60), 50, index);
    const trained = ids.length - 1 - (ids.length >> 1);
    return { ids, weights: ids.slice(1).map((__, t) => (t < ids.length >> 1 ? 0 : 1 / (count * trained))) };
  });
  return { loss: 'sft', sequences };
}

export function pairBatch(count: number): TrainingBatch {
  const pairs = Array.from({ length: count }, (_, index) => ({
    chosen: tokenIds(5 + ((index * 7) % 30), 50, index),
    rejected: tokenIds(3 + ((index * 13) % 30), 50, index + 100),
    weight: 1 / count,
    margin: 0.1 * (index % 3),
  }));
  return { loss: 'pairwise', centering: 0.01, pairs };
}
