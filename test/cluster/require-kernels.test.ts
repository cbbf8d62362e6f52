import { expect, test } from '@jest/globals';
import { requireKernels } from './support/require-kernels.ts';

test('tests on a node say before it starts that a checkout has no kernels, as digests would differ from those of its image', () => {
  expect(() => requireKernels({ name: 'ffi', because: 'native/build has none for linux-x64' })).toThrow(
    'found no compiled kernels in this checkout (native/build has none for linux-x64), expected those that the image has, as digests differ without: npm run build:native first',
  );
  expect(() => requireKernels({ name: 'ops' })).not.toThrow();
});
