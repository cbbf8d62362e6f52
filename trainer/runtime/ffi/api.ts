import { functions, plain, version } from './api-table.ts';
import { openKoffi } from './open-koffi.ts';

/** An address of something of the library's. Nothing outside this folder sees one. */
export type Pointer = bigint;

type Name = keyof typeof functions;

/** A library that nobody holds is unloaded, whatever points into it. */
const open: unknown[] = [];

/** ONNX Runtime's C API: its functions throw what the library says. */
export interface Api {
  /** The library's own version. */
  readonly version: string;
  /** @throws Error with the library's message */
  call(name: Name, ...args: readonly unknown[]): void;
  /** Calls a function whose last parameter is what it makes. */
  make(name: Name, ...args: readonly unknown[]): Pointer;
  release(
    name:
      | 'ReleaseSession'
      | 'ReleaseValue'
      | 'ReleaseSessionOptions'
      | 'ReleaseIoBinding'
      | 'ReleaseCUDAProviderOptions',
    what: Pointer,
  ): void;
  /** What an environment can run programs on, with the name of the provider that does. */
  epDevices(environment: Pointer): readonly { readonly provider: string; readonly place: Pointer }[];
  /** Memory of the process as bytes, while it is there. */
  bytesAt(address: Pointer, bytes: number): Uint8Array;
  /**
   * Opens a library of custom ops: see native/ops/register.cc.
   *
   * @throws Error where the file is no such library
   */
  openOps(path: string): Ops;
}

/** A library of custom ops. */
export interface Ops {
  /** What it was compiled from: see ops-sources.ts. */
  readonly sources: string;
  /** Its sources, and the instruction set that its kernels use here. */
  readonly version: string;
  /** Makes the ops known to the session of these options. @throws Error with the library's message */
  register(sessionOptions: Pointer): void;
  /** Asks the system for large pages for memory that nobody has written to yet. */
  preferHugePages(memory: Uint8Array): void;
}

const pointerBytes = 8;

/**
 * Opens the library and looks its functions up in the table that it hands out.
 *
 * @throws Error where the file is no such library, or is older than the table
 */
export function openApi(path: string): Api {
  const koffi = openKoffi();
  const library = koffi.load(path);
  open.push(library);
  const base: unknown = library.func('void *OrtGetApiBase()')();
  const [getApi, getVersion] = [
    koffi.decode(koffi.decode(base, 0, 'void *'), koffi.proto('void *', ['uint32_t'])) as (version: number) => unknown,
    koffi.decode(koffi.decode(base, pointerBytes, 'void *'), koffi.proto('const char *', [])) as () => string,
  ];
  const table = getApi(version);
  if (!table)
    throw new Error(`${path}: found ONNX Runtime ${getVersion()}, expected one with version ${version} of its API`);
  const typeOf = (parameter: string) =>
    parameter.startsWith('_Out_ ') ? koffi.out(parameter.slice('_Out_ '.length)) : parameter;
  const lookUp = (position: number, result: string, parameters: string) =>
    koffi.decode(
      koffi.decode(table, position * pointerBytes, 'void *'),
      koffi.proto(result, parameters.split(', ').map(typeOf)),
    ) as (...args: readonly unknown[]) => unknown;

  const ofPlain = new Map(
    Object.entries(plain).map(([name, [position, result, parameters]]) => [name, lookUp(position, result, parameters)]),
  );
  const known = new Map(
    Object.entries(functions).map(([name, [position, parameters]]) => [name, lookUp(position, 'void *', parameters)]),
  );
  const throwUnlessFine = (status: unknown): void => {
    if (!status) return;
    const message = ofPlain.get('GetErrorMessage')?.(status) as string;
    ofPlain.get('ReleaseStatus')?.(status);
    throw new Error(message);
  };
  const call: Api['call'] = (name, ...args) => throwUnlessFine(known.get(name)?.(...args));
  return {
    version: getVersion(),
    call,
    make(name, ...args) {
      const made: (Pointer | null)[] = [null];
      call(name, ...args, made);
      return made[0] as Pointer;
    },
    bytesAt: (address, bytes) => new Uint8Array(koffi.view(address, bytes)),
    release: (name, what) => void ofPlain.get(name)?.(what),
    epDevices(environment) {
      const [devices, count]: [(Pointer | null)[], number[]] = [[null], [0]];
      call('GetEpDevices', environment, devices, count);
      const places = koffi.decode(devices[0], koffi.array('void *', count[0] as number)) as Pointer[];
      return places.map((place) => ({ provider: ofPlain.get('EpDevice_EpName')?.(place) as string, place }));
    },
    openOps(file) {
      const ops = koffi.load(file);
      open.push(ops);
      const register = ops.func('void *RegisterCustomOps(void *options, void *base)');
      const preferHugePages = ops.func('void R1PreferHugePages(void *memory, size_t bytes)');
      const bitsDependOn = (ops.func('const char *R1OpsVersion()') as () => string)();
      return {
        sources: bitsDependOn.split(' ', 1).join(),
        version: bitsDependOn,
        register: (options) => throwUnlessFine(register(options, base)),
        preferHugePages: (memory) => void preferHugePages(memory, memory.byteLength),
      };
    },
  };
}
