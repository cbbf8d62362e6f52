import { join } from 'node:path';
import { expect } from '@jest/globals';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { compileReal, runToEnd, testWithWheels, wheel } from './wheels.ts';

/* cuBLASLt itself, up to where a device is missing. */

const directory = useTemporaryDirectory();

testWithWheels('cuBLASLt is declared as in its header, and takes what products tell it', () => {
  const program = join(directory(), 'cublaslt');
  compileReal(program, ['native/cuda/test/real/cublaslt.cc', 'native/cuda/cublaslt.cc']);
  // Without a GPU its handle is all that it refuses.
  const said = runToEnd(program, [wheel('nvidia/cu13/lib/libcublasLt.so.13')]);
  expect(said).toMatch(/^version 13\d{4}\ndescribed\n(?:created|cublasLtCreate: the library was not initialized)\n$/);
});
