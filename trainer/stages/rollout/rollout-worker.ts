import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Device } from '../../contract/settings/device.ts';
import { UserError } from '../../contract/process/errors.ts';
import { foundInstead } from '../../contract/process/found-instead.ts';
import type { MemoryOf } from '../../engine/backend.ts';
import { Engine } from '../../engine/engine.ts';
import { engineVersions } from '../../engine/engine-versions.ts';
import { parseHfConfig } from '../../models/config.ts';
import type { LearnerModel } from '../../rollout/remote/protocol.ts';
import { runRolloutWorker, type WorkerModel } from '../../rollout/remote/worker.ts';
import { sayIdleGpus, settleDevice } from '../../runtime/choose-device.ts';
import { stopOnSignals } from '../../stop-on-signals.ts';

interface RolloutWorkerOptions {
  readonly learner: string;
  readonly tokenFile: string;
  readonly workers?: number;
  readonly device?: Device;
  /** Seconds. */
  readonly patience?: number;
}

/** Samples for a learner until its stage is done, or until a signal. */
export async function sampleForLearner(options: RolloutWorkerOptions): Promise<void> {
  const { learner, tokenFile, workers, device, patience } = options;
  const signal = stopOnSignals();
  sayIdleGpus(settleDevice(device));
  const threads = workers ?? availableParallelism();
  await runRolloutWorker({
    learner: learnerUrl(learner),
    token: await readToken(tokenFile),
    threads,
    versions: rolloutVersions(),
    openModel: (model) => openModel(model, { threads, stop: signal }),
    signal,
    patienceMs: patience === undefined ? undefined : patience * 1000,
    say: (message) => console.log(`${new Date().toISOString()} ${message}`),
  });
}

/** What learner and worker must have in common, so that it makes no difference who samples. Kernels are compiled for a kind of GPU and not by its driver. */
export function rolloutVersions(): Record<string, string> {
  const { driver: _, ...versions } = engineVersions();
  return versions;
}

const leastTokenLength = 16;

/** @throws UserError if there is no token that could keep anyone out */
export async function readToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UserError(`${path}: found ${foundInstead(error)}, expected one with a token`, { cause: error });
  });
  if (/^[\x21-\x7e]+$/.test(token.trim()) && token.trim().length >= leastTokenLength) return token.trim();
  throw new UserError(`${path}: expected a token of at least ${leastTokenLength} printable characters`);
}

function learnerUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new UserError(`--learner: found ${JSON.stringify(text)}, expected a URL such as http://host:7070`);
}

async function openModel(
  { config: json, lora, precision }: LearnerModel,
  { threads, stop }: { readonly threads: number; readonly stop: AbortSignal },
): Promise<WorkerModel> {
  const config = { ...parseHfConfig(json, "the learner's config.json"), lora, precision };
  const engine = await Engine.create({ config, head: 'lm', workers: threads, stop });
  return {
    parameterBytes: engine.layout.size * Float32Array.BYTES_PER_ELEMENT,
    takeParameters: (receive) => engine.writeParameters('policy', (memoryOf) => receive(bytesOf(engine, memoryOf))),
    generateFree: (requests, options) => engine.generateFree(requests, options),
    close: () => engine.close(),
  };
}

/** The memory of all tensors, one after the other. */
async function* bytesOf({ layout }: Engine, memoryOf: MemoryOf): AsyncGenerator<Uint8Array> {
  for (const tensor of layout.tensors) {
    const { buffer, byteOffset, byteLength } = await memoryOf(tensor);
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}
