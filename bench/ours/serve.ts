import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import type { WriteTensors } from '../../trainer/engine/backend.ts';
import { Engine } from '../../trainer/engine/engine.ts';
import { ThreadBackend } from '../../trainer/engine/threads/thread-backend.ts';
import { type ModelConfig, parseHfConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { chooseRuntime } from '../../trainer/runtime/open-runtime.ts';
import type { CheckAnswer, Command, Ready, Round } from '../messages.ts';
import type { Shared } from '../workload.ts';

export interface Work {
  /** Results to be compared with the peer's; it may replay what the peer did. */
  check(peer: CheckAnswer): Promise<CheckAnswer>;
  /** One repetition of what is timed. */
  repeat(): Promise<unknown>;
}

/** The workload file named by the first argument. */
export function readWorkload(): unknown {
  return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
}

/** Our end of the protocol: answers commands until stdin closes. */
export async function serve(model: { close(): Promise<void> }, work: Work): Promise<void> {
  send({ versions: versions() });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line) as Command;
    send(command.command === 'check' ? await work.check(command.peer ?? {}) : await round(work, command.times));
  }
  await model.close();
}

/** The workload's model in an engine. */
export async function startEngine(shared: Shared, { optimizer }: { readonly optimizer: boolean }): Promise<Engine> {
  return Engine.create({ ...(await readModel(shared)), head: 'lm', workers: shared.threads, optimizer });
}

/** What the engine works with, for parts of its steps. */
export async function startBackend(shared: Shared): Promise<{ backend: ThreadBackend; config: ModelConfig }> {
  const { config, parameters } = await readModel(shared);
  const backend = await ThreadBackend.start({
    config,
    head: 'lm',
    workers: shared.threads,
    optimizer: true,
    onActivity: () => {},
  });
  await backend.parameters.put('policy', parameters);
  return { backend, config };
}

export async function readModel({
  model: path,
  ownPrecision: precision,
}: Shared): Promise<{ config: ModelConfig; parameters: WriteTensors }> {
  const directory = await readModelDirectory(path);
  const config = { ...parseHfConfig(directory.config, join(path, 'config.json')), precision };
  return { config, parameters: (memoryOf) => directory.readParameters(parameterLayout(config, 'lm'), memoryOf) };
}

async function round(work: Work, times: number): Promise<Round> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  // oxlint-disable-next-line no-await-in-loop -- one after the other is what is measured
  for (let time = 0; time < times; time++) await work.repeat();
  const used = process.cpuUsage(cpu); // of all threads
  return {
    wallSeconds: (performance.now() - wall) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

function send(answer: Ready | Round | CheckAnswer): void {
  writeSync(3, `${JSON.stringify(answer)}\n`);
}

function versions(): Record<string, string> {
  const own = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    name: string;
    version: string;
    dependencies: Record<string, string>;
  };
  return {
    [own.name]: own.version,
    'onnxruntime-node': own.dependencies['onnxruntime-node'] ?? '?',
    node: process.versions.node,
    runtime: chooseRuntime().name,
  };
}
