import { createRequire } from 'node:module';
import type Koffi from 'koffi';

/** Programs are optimized on the caller's stack, which gets deep for a large one. */
const stackBytes = 8 * 1024 * 1024;

/** What calls native libraries. Not every platform has its binary, so it is loaded when it is asked for; its settings hold from the first library on. */
export function openKoffi(): typeof Koffi {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  if (koffi.config().sync_stack_size !== stackBytes) koffi.config({ sync_stack_size: stackBytes });
  return koffi;
}
