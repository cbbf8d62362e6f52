import { test } from '@jest/globals';
import type { RuntimeName } from '../../trainer/runtime/runtime.ts';
import { opsLibraries } from '../../trainer/runtime/ffi/ops-library.ts';

/** Of tests that need the kernels of native/, which `npm run build:native` compiles where there is a compiler. */
export const testWithOps = isBuilt() ? test : test.skip;

/** Those that there are here. */
export const runtimes: readonly RuntimeName[] = isBuilt() ? ['ops', 'ffi', 'stock'] : ['ffi', 'stock'];

/** A library that is refused is there: then tests fail, and say why. */
function isBuilt(): boolean {
  return opsLibraries().found.length > 0;
}
