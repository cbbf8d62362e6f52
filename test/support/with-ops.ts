import { test } from '@jest/globals';
import { opsLibrary } from '../../trainer/runtime/ffi/library.ts';

/** Of tests that need the kernels of native/, which `npm run build:native` compiles where there is a compiler. */
export const testWithOps = isBuilt() ? test : test.skip;

function isBuilt(): boolean {
  try {
    opsLibrary();
    return true;
  } catch {
    return false;
  }
}
