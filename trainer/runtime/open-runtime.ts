import { UserError } from '../contract/errors.ts';
import { FfiRuntime } from './ffi/ffi-runtime.ts';
import type { Cancellation, Runtime, RuntimeName } from './runtime.ts';

/** Which runtime this process uses, and why where it is not the usual one. */
export interface RuntimeChoice {
  readonly name: RuntimeName;
  /** Why the C API cannot be called here. */
  readonly because?: string;
}

/**
 * `ffi` where the library can be called, else `stock`. `R1_RUNTIME` chooses one for comparisons.
 *
 * @throws UserError where the environment asks for what there is not
 */
export function chooseRuntime(asked = process.env['R1_RUNTIME']): RuntimeChoice {
  if (asked !== undefined && asked !== 'stock' && asked !== 'ffi') {
    throw new UserError(`R1_RUNTIME: found ${JSON.stringify(asked)}, expected stock or ffi`);
  }
  if (asked === 'stock') return { name: 'stock' };
  try {
    ffiRuntime();
    return { name: 'ffi' };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    if (asked === 'ffi') throw new UserError(`R1_RUNTIME=ffi: ${because}`, { cause: error });
    return { name: 'stock', because };
  }
}

/** The runtime of this thread. The stock binding is loaded only where it is used. */
export async function openRuntime(name: RuntimeName): Promise<Runtime> {
  if (name === 'ffi') return ffiRuntime();
  return new (await import('./stock/stock-runtime.ts')).StockRuntime();
}

let ffi: { readonly runtime: FfiRuntime } | { readonly failure: unknown } | undefined;

function ffiRuntime(): FfiRuntime {
  ffi ??= tryFfi();
  if ('failure' in ffi) throw ffi.failure;
  return ffi.runtime;
}

/** What does not load is not tried again: every checkpoint asks which runtime there is. */
function tryFfi(): NonNullable<typeof ffi> {
  try {
    return { runtime: FfiRuntime.open() };
  } catch (failure) {
    return { failure };
  }
}

/** Ends the run of another thread, now or as soon as it begins one; all its later runs end at once, too. */
export function cancelRuns(cancellation: Cancellation): void {
  if (cancellation.kind === 'ffi') ffiRuntime().cancel(cancellation.runOptions);
}
