import { createRequire } from 'node:module';
import type Koffi from 'koffi';

/** Programs are optimized on the caller's stack, which gets deep for a large one. */
const stackBytes = 8 * 1024 * 1024;

/**
 * What calls functions of libraries. Not every platform has its binary, so it is loaded when it is asked for; and it is set up here, for that
 * is refused once a library has been loaded.
 *
 * @throws Error where the platform has none
 */
export function loadKoffi(): typeof Koffi {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  if (koffi.config().sync_stack_size !== stackBytes) koffi.config({ sync_stack_size: stackBytes });
  return koffi;
}
