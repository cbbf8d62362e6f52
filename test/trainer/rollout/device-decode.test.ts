import { expect, test } from '@jest/globals';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { DevicePassMemory } from '../../../trainer/passes/device-pass-memory.ts';
import { LayerRuns } from '../../../trainer/passes/layer-runs.ts';
import { Decoder, type Row } from '../../../trainer/rollout/decoder.ts';
import { DeviceKvCache } from '../../../trainer/rollout/device-kv-cache.ts';
import type { DeviceMemory } from '../../../trainer/runtime/device-memory.ts';
import { ExecutableCache } from '../../../trainer/runtime/executable-cache.ts';
import { FfiRuntime } from '../../../trainer/runtime/ffi/ffi-runtime.ts';
import type { Executable, Runtime } from '../../../trainer/runtime/runtime.ts';
import { type AnyTensor, type AnyTensors, isOnDevice } from '../../../trainer/runtime/tensor.ts';
import { randomParameters, tinyConfig } from '../../support/random-model.ts';

/** What a step asks of a device, in its order, as a graph of launches would replay it: programs and copies, with the places of their tensors. */
class Recorder {
  steps: string[] = [];
  readonly #buffers = new Map<unknown, number>();
  #programs = 0;

  runtime(of: Runtime): Runtime {
    const compile = async (program: Parameters<Runtime['compile']>[0]): Promise<Executable> => {
      const [executable, number] = [await of.compile(program), this.#programs++];
      const run = (inputs: AnyTensors, outputs: AnyTensors) => this.#ran(number, { ...inputs, ...outputs });
      return {
        bind: (inputs, outputs = {}) => {
          this.steps.push(`bind ${number}`);
          const bound = executable.bind(inputs, outputs);
          return { run: async () => (run(inputs, outputs), bound.run()), release: () => bound.release() };
        },
        run: async (inputs, outputs = {}) => (run(inputs, outputs), executable.run(inputs, outputs)),
        release: async () => executable.release(),
      };
    };
    return {
      name: of.name,
      inPlace: of.inPlace,
      cancellation: of.cancellation,
      hold: (held) => of.hold(held),
      compile,
    };
  }

  memory(of: DeviceMemory): DeviceMemory {
    return new Proxy(of, {
      get: (target, name: keyof DeviceMemory) => {
        const value = target[name];
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]) => {
          const places = args.map((each) => (isTensor(each) ? this.#placeOf(each) : ''));
          this.steps.push(`${name} ${places.join(' ')}`);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  }

  #ran(program: number, tensors: AnyTensors): void {
    const places = Object.entries(tensors).map(([name, tensor]) => `${name}: ${this.#placeOf(tensor)}`);
    this.steps.push(`run ${program} of ${places.join(', ')}`);
  }

  #placeOf(tensor: AnyTensor): string {
    if (!isOnDevice(tensor)) return 'in the process';
    const { buffer, offset, dims } = tensor;
    const number = this.#buffers.get(buffer) ?? this.#buffers.size;
    this.#buffers.set(buffer, number);
    return `${number}+${offset} [${dims.join()}]`;
  }
}

function isTensor(value: unknown): value is AnyTensor {
  return typeof value === 'object' && value !== null && 'dims' in value;
}

test('a step of decoding asks the same of a device as the one before, in the same places, while its rows are as many and their tables as wide', async () => {
  const [config, real, recorder] = [tinyConfig(), FfiRuntime.open(), new Recorder()];
  const device = recorder.memory(real.deviceMemory());
  const programs = new ExecutableCache(recorder.runtime(real), 32);
  const memory = new DevicePassMemory(device, programs);
  const cache = new DeviceKvCache({ config, blocks: 20, programs, memory });
  const named = randomParameters(config);
  const parameters = Object.fromEntries(
    parameterLayout(config, 'lm').tensors.map(({ name, shape }) => [
      name,
      memory.floats(name, named[name] as Float32Array, shape),
    ]),
  );
  const embeddings = parameters['model.embed_tokens.weight'] as AnyTensor;
  const layers = new LayerRuns(config, programs, memory);
  const decoder = await Decoder.create({
    config,
    programs,
    layers,
    parameters: { ...parameters, embeddings },
    cache,
    temperature: 1,
  });
  const blocks = [0, 1, 2].map(() => Array.from({ length: 4 }, () => cache.pool.take()));
  await decoder.prefill(blocks.map((of, row) => ({ ids: [1 + row, 2, 3], blocks: of.slice(0, 1) })));

  const asked: string[][] = [];
  for (let position = 3; position < 60; position++) {
    recorder.steps = [];
    const rows = blocks.map((of, row): Row => ({
      token: (7 * position + row) % config.vocabularySize,
      position,
      blocks: of.slice(0, Math.floor(position / 16) + 1),
    }));
    // oxlint-disable-next-line no-await-in-loop -- one token after the other
    await decoder.step(rows);
    asked.push(recorder.steps);
  }
  const binding = asked.flatMap((steps, at) => (steps.some((step) => step.startsWith('bind')) ? [at + 3] : []));
  expect(binding).toEqual([3, 32]); // tables of 2 blocks, then of 4
  for (const [at, steps] of asked.entries()) {
    expect(steps.some((step) => step.startsWith('copyOut') || step.startsWith('finish'))).toBe(false); // nothing is waited for
    if (at === 0) continue;
    expect(steps.filter((step) => /^(allocate|free)/.test(step))).toEqual([]);
    if (!binding.includes(at + 3) && !binding.includes(at + 2)) expect(steps).toEqual(asked[at - 1]);
  }
});
