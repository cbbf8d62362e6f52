// What Python in WebAssembly reaches outside of its memory is what Pyodide's module imports. Here each import that leads further than to an answer's own
// input and output is closed, so that nothing depends on what a program finds or patches inside of Python.

type Import = (...args: number[]) => unknown;

/** Of WASI. */
const [refused, readOnly] = [2, 69];
/** `O_WRONLY`, `O_RDWR`, `O_CREAT`, `O_TRUNC` and `O_APPEND`. */
const writing = 0x1 | 0x2 | 0x40 | 0x200 | 0x400;

/** JavaScript and C's own functions, other programs, and the end of this one. */
const closed =
  /^(?:Jsv?[A-Z]\w*|raw_call_js|create_once_callable|ffi_\w+|_?emscripten_dlopen_js|_dlopen_js|_dlsym_js|_emscripten_system|proc_exit|exit)$/;
/** How a text is given to Python and got from it. */
const open = new Set(['JsvArray_Get', 'JsvError_Check', 'JsvNoValue_Check']);
const changesFiles =
  /^__syscall_(?:mkdirat|mknodat|unlinkat|rmdir|renameat|symlinkat|chmod|fchmod|fchmodat2|fchownat|fchown32|utimensat|truncate64|ftruncate64|fallocate|chdir|fchdir|dup|dup3|pipe)$/;
const network = /^__syscall_(?:socket|connect|bind|listen|accept4|sendto|sendmsg|recvfrom|recvmsg)$/;

/** Thrown through WebAssembly, which no `except` in Python sees. */
class Ended extends Error {}

/** What a program is bounded by: rounds of loops and calls, and everything else that it asks of the outside. */
export class SealedImports {
  #isSealed = false;
  #left = Infinity;
  #ended: string | undefined;
  #milliseconds = 0;
  #chance = 1;
  /** That of the module, as soon as there is one. Its buffer is another one once it has grown. */
  memory: { readonly buffer: ArrayBuffer } | undefined;

  /** Why the program was ended, if it was. */
  get ended(): string | undefined {
    return this.#ended;
  }

  get left(): number {
    return this.#left;
  }

  /** Before each program. Before the first one Python itself has started with everything open. @param left polls, one in 50 rounds */
  begin(left: number): void {
    this.#isSealed = true;
    this.#left = left;
    this.#ended = undefined;
    this.#milliseconds = 0;
    this.#chance = 1;
  }

  /** Of what ended by itself, in a way that Python knows nothing of. */
  note(why: string): void {
    this.#ended ??= why;
  }

  end(why: string): never {
    this.note(why);
    throw new Ended(why);
  }

  /** Puts itself before the imports of Pyodide's module. */
  wrap(imports: Record<string, Import | undefined>): void {
    const { fd_close: close, __syscall_openat: openFile } = imports;
    const own: Record<string, Import> = {
      _Py_CheckEmscriptenSignals_Helper: () => this.#look(),
      clock_time_get: (_clock, _precision, address) => this.#writeTime(address ?? 0),
      emscripten_get_now: () => this.#tick(),
      emscripten_date_now: () => this.#tick(),
      random_get: (address, length) => this.#writeChance(address ?? 0, length ?? 0),
      // Standard input and output stay for the next program.
      fd_close: (file = 0) => (this.#isSealed && file <= 2 ? 0 : close?.(file)),
      __syscall_openat: (...args) => (this.#isSealed && (args[2] ?? 0) & writing ? -readOnly : openFile?.(...args)),
    };
    for (const [name, value] of Object.entries(imports)) {
      if (typeof value === 'function') imports[name] = like(value, own[name] ?? this.#sealed(name, value));
    }
  }

  #sealed(name: string, value: Import): Import {
    if (changesFiles.test(name)) return (...args) => (this.#isSealed ? -readOnly : value(...args));
    if (network.test(name)) return (...args) => (this.#isSealed ? -refused : value(...args));
    if (!closed.test(name) || open.has(name)) return value;
    return (...args) => (this.#isSealed ? this.end('it reached for what is outside of Python') : value(...args));
  }

  #look(): number {
    if (--this.#left < 0) this.end('it took too many steps');
    return 0;
  }

  /** A clock by which every look takes a millisecond, and a step: who waits for a time waits for so many looks. */
  #tick(): number {
    this.#look();
    return ++this.#milliseconds;
  }

  #writeTime(address: number): number {
    const nanoseconds = BigInt(this.#tick()) * 1_000_000n;
    if (this.memory) new DataView(this.memory.buffer).setBigUint64(address, nanoseconds, true);
    return 0;
  }

  #writeChance(address: number, length: number): number {
    const bytes = new Uint8Array(this.memory?.buffer ?? new ArrayBuffer(), address, length);
    for (const at of bytes.keys()) {
      this.#chance = (this.#chance * 48_271) % 2_147_483_647;
      bytes[at] = this.#chance >> 8;
    }
    return 0;
  }
}

/** Emscripten reads the types of an import from what hangs on it. */
function like(value: Import, other: Import): Import {
  return value === other ? value : Object.assign(other, value);
}
