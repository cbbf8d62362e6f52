import { constants, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { SealedImports } from './sealed-imports.ts';

/** What is used of Pyodide. */
export interface Pyodide {
  readonly globals: { get(name: string): (text: string) => string | undefined };
  runPython(source: string): unknown;
  setStdin(options: { read(bytes: Uint8Array): number }): void;
  setStdout(options: { write(bytes: Uint8Array): number }): void;
  setStderr(options: { write(bytes: Uint8Array): number }): void;
  setInterruptBuffer(buffer: readonly number[]): void;
  readonly FS: { readonly streams: readonly ({ readonly fd: number } | null)[]; closeStream(file: number): void };
  readonly _api: { fatal_error: (error: unknown) => void };
  readonly _module: { readonly HEAPU8: Uint8Array; stackSave(): number; stackRestore(address: number): void };
}

interface Module {
  readonly instance: { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } };
}

/** Node has it, its types do not. */
declare const WebAssembly: {
  instantiate: (source: unknown, imports?: { readonly env?: Parameters<SealedImports['wrap']>[0] }) => Promise<Module>;
};

/** Starts Pyodide, with `SealedImports` between it and all else. @param directory of Pyodide */
export async function startPyodide(directory: string): Promise<{ pyodide: Pyodide; imports: SealedImports }> {
  // Emscripten asks for the flags of files in a way that is closed to a process without rights.
  Object.assign(process, { binding: () => ({ fs: constants }) });
  const { loadPyodide } = (await import(pathToFileURL(`${directory}/pyodide.mjs`).href)) as {
    readonly loadPyodide: (options: object) => Promise<Pyodide>;
  };
  const { info } = JSON.parse(readFileSync(`${directory}/pyodide-lock.json`, 'utf8')) as { info: object };
  const imports = new SealedImports();
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (source, given) => {
    if (given?.env === undefined) return instantiate(source, given); // a helper of Pyodide's
    imports.wrap(given.env);
    const module = await instantiate(source, given);
    imports.memory ??= module.instance.exports.memory;
    return module;
  };
  const pyodide = await loadPyodide({
    // Sets must come in the same order in every process.
    env: { HOME: '/home', PYTHONHASHSEED: '0' },
    jsglobals: { setTimeout: () => 0, clearTimeout: () => undefined }, // what they call would be in memory that is another by then
    lockFileContents: JSON.stringify({ info, packages: {} }), // nothing is there that could be fetched
  });
  WebAssembly.instantiate = instantiate;
  return { pyodide, imports };
}
