import { createRequire } from 'node:module';
import type { OnnxProgram } from '../../graph/program.ts';
import { input } from '../../graph/value.ts';
import { writeProgram } from '../../graph/writer.ts';
import { zeros } from '../aligned-memory.ts';
import { boundTensors, type BoundTensor, fitTensors, type Fitted, requireMemory } from '../ports.ts';
import { type Bound, type Executable, released, type Runtime, type RuntimeName } from '../runtime.ts';
import { type AnyTensor, type AnyTensors, isOnDevice, type Tensors } from '../tensor.ts';
import type { DeviceMemory } from '../device-memory.ts';
import { type Api, openApi, type Ops, type Pointer } from './api.ts';
import { CountedMemory } from './counted-memory.ts';
import { type CudaGpu, loadNeeded, openCudaGpu } from './cuda-gpu.ts';
import type { CudaLibraries } from './cuda-libraries.ts';
import { hostMemoryCalls } from './host-memory.ts';
import { openOps, openOpsLibrary } from './ops-library.ts';
import { shippedLibrary } from './shipped-library.ts';
import { Values } from './values.ts';

/** ORT_LOGGING_LEVEL_FATAL: errors are thrown, so that printing them would only repeat them. */
const fatal = 4;
/** ORT_ENABLE_ALL */
const allOptimizations = 99;

/**
 * ONNX Runtime's C API: programs read and write the tensors' own memory, shared or not. It belongs to its thread; all threads of a process
 * use one library.
 */
export class FfiRuntime implements Runtime {
  readonly inPlace = true;
  readonly #api: Api;
  readonly #ops: Ops | undefined;
  readonly #environment: Pointer;
  readonly #values: Values;
  /** Of all runs, and never released: another thread may end a run through it at any time. */
  readonly #runOptions: Pointer;
  /** Where programs run on one. */
  readonly #gpu: CudaGpu | undefined;

  private constructor(api: Api, ops: Ops | undefined, open?: (environment: Pointer) => CudaGpu) {
    this.#api = api;
    this.#ops = ops;
    this.#environment = api.make('CreateEnv', fatal, 'r1');
    this.#values = new Values(api);
    this.#runOptions = api.make('CreateRunOptions');
    this.#gpu = open?.(this.#environment);
    if (this.#gpu) api.call('AddRunConfigEntry', this.#runOptions, 'disable_synchronize_execution_providers', '1');
  }

  /** @throws Error where this platform has no library that can be called */
  static open(): FfiRuntime {
    return new FfiRuntime(openApi(shippedLibrary()), undefined);
  }

  /** With the kernels of native/. A process opens them in one thread first. @throws Error where there are none, too */
  static openWithOps(): FfiRuntime {
    const api = openApi(shippedLibrary());
    const runtime = new FfiRuntime(api, openOpsLibrary(api));
    runtime.#makeDomainKnown();
    return runtime;
  }

  /**
   * On a GPU, with ONNX Runtime and kernels for it; the other ways to open one use another library.
   *
   * @throws Error where they do not load, or in CUDA's words where there is no such GPU
   */
  static openOnGpu(
    libraries: CudaLibraries,
    gpu: { readonly gpu: number; readonly form: 'bridge' | 'plugin' },
  ): FfiRuntime {
    loadNeeded(libraries);
    const api = openApi(libraries.core);
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    if (api.version !== version)
      throw new Error(`${libraries.core}: found version ${api.version}, expected ${version}`);
    const open = (environment: Pointer) => openCudaGpu(api, environment, libraries, gpu);
    const runtime = new FfiRuntime(api, openOps(api, { place: libraries.ops, path: libraries.ops }), open);
    runtime.#makeDomainKnown();
    return runtime;
  }

  /**
   * The first session with kernels makes their domain known to the whole library. Where two threads are first at the same time one of them
   * fails, so each thread's runtime begins with a session that does nothing: once the main thread's has, no other is first.
   */
  #makeDomainKnown(): void {
    const x = input('x', [1]);
    this.#api.release('ReleaseSession', this.#createSession(writeProgram([x], { y: x })));
  }

  get name(): RuntimeName {
    return this.#ops ? 'ops' : 'ffi';
  }

  /** What the bits of the kernels depend on. */
  get opsVersion(): string | undefined {
    return this.#ops?.version;
  }

  /** Of memory that nobody has written to yet; without kernels it does nothing. */
  preferHugePages(memory: Uint8Array): void {
    this.#ops?.preferHugePages(memory);
  }

  /** Memory of what its programs run on. Without a GPU it is as hidden as one's, for tests and for machines without. */
  deviceMemory(): DeviceMemory {
    return new CountedMemory(this.#gpu?.memory ?? hostMemoryCalls(this.#api, this.#values.memory));
  }

  get cancellation() {
    return { kind: 'ffi', runOptions: this.#runOptions } as const;
  }

  /** Of another thread's runtime, which never releases its run options. */
  cancel(runOptions: Pointer): void {
    this.#api.call('RunOptionsSetTerminate', runOptions);
  }

  hold(tensors: AnyTensors): { release(): void } {
    const held = Object.values(tensors);
    for (const tensor of held) this.#values.use(tensor);
    return {
      release: () => {
        for (const tensor of held.splice(0)) this.#values.letGo(tensor);
      },
    };
  }

  async compile(program: OnnxProgram): Promise<Executable> {
    return new FfiExecutable(program, this.#createSession(program), {
      api: this.#api,
      values: this.#values,
      runOptions: this.#runOptions,
    });
  }

  #createSession({ bytes }: OnnxProgram): Pointer {
    const options = this.#sessionOptions();
    try {
      return this.#api.make('CreateSessionFromArray', this.#environment, bytes, bytes.byteLength, options);
    } finally {
      this.#api.release('ReleaseSessionOptions', options);
    }
  }

  /** The same as of the stock binding, for the same reasons: see stock-runtime.ts. */
  #sessionOptions(): Pointer {
    const api = this.#api;
    const options = api.make('CreateSessionOptions');
    api.call('SetIntraOpNumThreads', options, 1);
    api.call('SetInterOpNumThreads', options, 1);
    api.call('DisableCpuMemArena', options);
    api.call('DisableMemPattern', options);
    api.call('SetSessionGraphOptimizationLevel', options, allOptimizations);
    api.call('SetSessionLogSeverityLevel', options, fatal);
    api.call('AddSessionConfigEntry', options, 'session.intra_op.allow_spinning', '0');
    api.call('AddSessionConfigEntry', options, 'session.inter_op.allow_spinning', '0');
    this.#gpu?.append(options);
    this.#ops?.register(options);
    return options;
  }
}

interface Context {
  readonly api: Api;
  readonly values: Values;
  readonly runOptions: Pointer;
}

class FfiExecutable implements Executable {
  readonly #program: OnnxProgram;
  readonly #context: Context;
  readonly #bound = new Set<FfiBound>();
  #session: Pointer | undefined;

  constructor(program: OnnxProgram, session: Pointer, context: Context) {
    this.#program = program;
    this.#session = session;
    this.#context = context;
  }

  bind(inputs: AnyTensors, outputs: AnyTensors = {}): Bound {
    if (this.#session === undefined) throw released();
    const fitted = fitTensors(this.#program, inputs, outputs);
    const bound = new FfiBound(this.#context, this.#session, fitted, () => this.#bound.delete(bound));
    this.#bound.add(bound);
    return bound;
  }

  async run(inputs: AnyTensors, outputs?: AnyTensors): Promise<Tensors> {
    const bound = this.bind(inputs, outputs);
    try {
      return await bound.run();
    } finally {
      bound.release();
    }
  }

  async release(): Promise<void> {
    for (const bound of this.#bound) bound.release();
    if (this.#session !== undefined) this.#context.api.release('ReleaseSession', this.#session);
    this.#session = undefined;
  }
}

class FfiBound implements Bound {
  readonly #context: Context;
  readonly #session: Pointer;
  /** Those in the memory of the process. */
  readonly #results: Tensors;
  /** All that is bound, which lives as long as this does. */
  readonly #tensors: readonly BoundTensor[];
  readonly #used: AnyTensor[] = [];
  readonly #onRelease: () => void;
  #binding: Pointer | undefined;

  constructor(context: Context, session: Pointer, { inputs, outputs, shapes }: Fitted, onRelease: () => void) {
    this.#context = context;
    this.#session = session;
    this.#onRelease = onRelease;
    const all: AnyTensors = Object.fromEntries(
      shapes.map(({ port, dims }) => [port.name, outputs[port.name] ?? zeros(port.type, dims)]),
    );
    this.#results = Object.fromEntries(Object.entries(all).filter(([, tensor]) => !isOnDevice(tensor))) as Tensors;
    this.#tensors = boundTensors(inputs, all);
    this.#binding = context.api.make('CreateIoBinding', session);
    try {
      for (const [name, tensor] of Object.entries(inputs)) this.#bind('BindInput', name, tensor);
      for (const [name, tensor] of Object.entries(all)) this.#bind('BindOutput', name, tensor);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  #bind(kind: 'BindInput' | 'BindOutput', name: string, tensor: AnyTensor): void {
    const { api, values } = this.#context;
    const value = values.use(tensor);
    this.#used.push(tensor);
    api.call(kind, this.#binding, name, value);
  }

  async run(): Promise<Tensors> {
    if (this.#binding === undefined) throw released();
    requireMemory(this.#tensors);
    this.#context.api.call('RunWithBinding', this.#session, this.#context.runOptions, this.#binding);
    return this.#results;
  }

  release(): void {
    const { api, values } = this.#context;
    if (this.#binding !== undefined) api.release('ReleaseIoBinding', this.#binding);
    this.#binding = undefined;
    for (const tensor of this.#used.splice(0)) values.letGo(tensor);
    this.#onRelease();
  }
}
