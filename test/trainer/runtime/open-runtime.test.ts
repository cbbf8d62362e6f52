import { expect, jest, test } from '@jest/globals';
import { FfiRuntime } from '../../../trainer/runtime/ffi/ffi-runtime.ts';
import { chooseRuntime, openRuntime } from '../../../trainer/runtime/open-runtime.ts';

test('a library that does not load is tried once, and says why every time', async () => {
  jest.spyOn(FfiRuntime, 'openWithOps').mockImplementation(fail);
  const open = jest.spyOn(FfiRuntime, 'open').mockImplementation(fail);
  for (const _ of [1, 2, 3]) expect(chooseRuntime(undefined)).toEqual({ name: 'stock', because: 'no such library' });
  await expect(openRuntime('ffi')).rejects.toThrow('no such library');
  expect(() => chooseRuntime('ffi')).toThrow('R1_RUNTIME=ffi: no such library');
  expect(open).toHaveBeenCalledTimes(1);
});

function fail(): never {
  throw new Error('no such library');
}
