import { UserError } from '../contract/process/errors.ts';
import { FfiRuntime } from './ffi/ffi-runtime.ts';
import type { Cancellation, Runtime, RuntimeName } from './runtime.ts';

/** Which runtime this process uses. */
export interface RuntimeChoice {
  readonly name: RuntimeName;
  /** Of `ops`: what the bits of its kernels depend on. */
  readonly ops?: string | undefined;
  /** Why it is not a better one. */
  readonly because?: string;
}

const best: readonly RuntimeName[] = ['ops', 'ffi', 'stock'];

/**
 * The best runtime that there is. `R1_RUNTIME` chooses one for comparisons.
 *
 * @throws UserError where the environment asks for what there is not
 */
export function chooseRuntime(asked = process.env['R1_RUNTIME']): RuntimeChoice {
  if (asked === undefined) return bestOf(best);
  const name = best.find((known) => known === asked);
  if (name === undefined) {
    throw new UserError(`R1_RUNTIME: found ${JSON.stringify(asked)}, expected ${best.join(', ')} or nothing`);
  }
  const choice = bestOf([name, 'stock']);
  if (choice.name !== name) throw new UserError(`R1_RUNTIME=${name}: ${choice.because}`);
  return choice;
}

function bestOf(names: readonly RuntimeName[]): RuntimeChoice {
  let because: string | undefined;
  for (const name of names) {
    if (name === 'stock') break;
    const found = ffiRuntime(name);
    if (found instanceof FfiRuntime) {
      return { name, ...(name === 'ops' && { ops: found.opsVersion }), ...(because && { because }) };
    }
    because = found.message;
  }
  return { name: 'stock', ...(because && { because }) };
}

/** The runtime of this thread. The stock binding is loaded only where it is used. */
export async function openRuntime(name: RuntimeName): Promise<Runtime> {
  if (name === 'stock') return new (await import('./stock/stock-runtime.ts')).StockRuntime();
  const found = ffiRuntime(name);
  if (found instanceof Error) throw found;
  return found;
}

/** Each is opened once, and so is what does not open: it would not the next time. */
const opened = new Map<RuntimeName, FfiRuntime | Error>();

/** Or why it does not open. */
export function ffiRuntime(name: 'ffi' | 'ops'): FfiRuntime | Error {
  let found = opened.get(name);
  if (found === undefined) {
    try {
      found = name === 'ops' ? FfiRuntime.openWithOps() : FfiRuntime.open();
    } catch (error) {
      found = error instanceof Error ? error : new Error(String(error));
    }
    opened.set(name, found);
  }
  return found;
}

/**
 * Memory of many megabytes that is read from one end to the other wants large pages: with small ones a core waits for their addresses,
 * which costs AdamW a quarter of its time. To be called before anything is written there; without kernels the system decides alone.
 */
export function preferHugePages(buffer: ArrayBufferLike): void {
  const kernels = opened.get('ops');
  if (kernels instanceof FfiRuntime) kernels.preferHugePages(new Uint8Array(buffer));
}

/** Ends the run of another thread, now or as soon as it begins one; all its later runs end at once, too. */
export function cancelRuns(cancellation: Cancellation): void {
  if (cancellation.kind === 'none') return;
  // Whichever is open: nothing is loaded for the sake of ending something.
  const open = [...opened.values()].find((found) => found instanceof FfiRuntime) ?? ffiRuntime('ffi');
  if (open instanceof FfiRuntime) open.cancel(cancellation.runOptions);
}
