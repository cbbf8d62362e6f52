import { InferenceSession, Tensor as StockTensor } from 'onnxruntime-node';
import type { OnnxProgram } from '../../graph/program.ts';
import { boundTensors, fitTensors, requireMemory } from '../ports.ts';
import { type Bound, type Executable, released, type Runtime } from '../runtime.ts';
import { type AnyTensors, isOnDevice, release, type Tensor, type Tensors } from '../tensor.ts';

/**
 * - One thread: with two, a product with few rows is split over its columns and sums in another order, so sampling and
 *   training would no longer agree to the bit. Cores are used by running one session in each of several workers.
 * - Neither arena nor memory pattern: each session would keep its peak memory for good. Three training sessions of a
 *   5.8 M parameter model hold 1180 MB with and 495 MB without them, at the same speed.
 */
const options: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  enableCpuMemArena: false,
  enableMemPattern: false,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4, // errors are thrown, so that printing them would only repeat them
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
};

/** onnxruntime-node's own binding: wherever it runs, with a copy of every output and without shared memory. */
export class StockRuntime implements Runtime {
  readonly name = 'stock';
  readonly inPlace = false;
  readonly cancellation = { kind: 'none' } as const;

  hold(): { release(): void } {
    return { release: () => undefined }; // the binding's tensors live as long as ours
  }

  /** The binding has no bfloat16: there what a program reads in it lies in float32, and is rounded anew in every run, to the same bits. */
  async compile(given: OnnxProgram): Promise<Executable> {
    const program = given.inFloat32?.() ?? given;
    return new StockExecutable(program, await InferenceSession.create(program.bytes, options));
  }
}

class StockExecutable implements Executable {
  readonly #program: OnnxProgram;
  #session: InferenceSession | undefined;

  constructor(program: OnnxProgram, session: InferenceSession) {
    this.#program = program;
    this.#session = session;
  }

  bind(inputs: AnyTensors, outputs: AnyTensors = {}): Bound {
    if (this.#session === undefined) throw released();
    const fitted = fitTensors(this.#program, inputs, outputs);
    const bound = boundTensors(fitted.inputs, fitted.outputs);
    const feeds = stockTensors(inProcess(fitted.inputs));
    const places = inProcess(fitted.outputs);
    // A named output without a tensor is allocated by each run.
    const fetches = Object.fromEntries(
      this.#program.outputs.map(({ name }) => [name, places[name] ? stockTensor(places[name]) : null]),
    );
    let letGo = false;
    return {
      run: async () => {
        if (this.#session === undefined || letGo) throw released();
        requireMemory(bound);
        const results = ownTensors(await this.#session.run(feeds, fetches));
        for (const [name, { data }] of Object.entries(places)) freeCopy(results[name]?.data, data);
        return { ...results, ...places };
      },
      release: () => {
        letGo = true;
      },
    };
  }

  async run(inputs: AnyTensors, outputs?: AnyTensors): Promise<Tensors> {
    return this.bind(inputs, outputs).run();
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }
}

/** The binding writes into the tensor that is bound, and makes a copy besides, which would wait for a garbage collection. */
function freeCopy(copy: Tensor['data'] | undefined, bound: Tensor['data']): void {
  if (copy instanceof Float32Array && copy.buffer !== bound.buffer) release(copy);
}

function inProcess(tensors: AnyTensors): Tensors {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (isOnDevice(tensor)) throw new Error(`${name}: found a tensor of a device, expected one of this process`);
  }
  return tensors as Tensors;
}

/** The binding's tensors, made once for each of ours. */
const known = new WeakMap<Tensor, StockTensor>();

function stockTensor(tensor: Tensor): StockTensor {
  const { type } = tensor;
  if (type === 'bfloat16') throw new Error('found a bfloat16 tensor, expected one in float32');
  const made = known.get(tensor) ?? new StockTensor(type, tensor.data, tensor.dims);
  known.set(tensor, made);
  return made;
}

function stockTensors(tensors: Tensors): Record<string, StockTensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, stockTensor(tensor)]));
}

function ownTensors(outputs: InferenceSession.OnnxValueMapType): Tensors {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, dims, data }]) => [name, { type, dims, data } as Tensor]),
  );
}
