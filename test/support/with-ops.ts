import { test } from '@jest/globals';
import type { RuntimeName } from '../../trainer/runtime/runtime.ts';
import { opsLibrary } from '../../trainer/runtime/ffi/library.ts';

/** Of tests that need the kernels of native/, which `npm run build:native` compiles where there is a compiler. */
export const testWithOps = isBuilt() ? test : test.skip;

/** Those that there are here. */
export const runtimes: readonly RuntimeName[] = isBuilt() ? ['ops', 'ffi', 'stock'] : ['ffi', 'stock'];

function isBuilt(): boolean {
  try {
    opsLibrary();
    return true;
  } catch {
    return false;
  }
}
