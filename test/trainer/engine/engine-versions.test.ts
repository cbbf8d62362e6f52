import { expect, test } from '@jest/globals';
import { engineVersions } from '../../../trainer/engine/engine-versions.ts';

test('engine versions name the runtime and the instruction sets', () => {
  const { ops, ...versions } = engineVersions();
  expect(ops !== undefined).toBe(versions['runtime'] === 'ops');
  expect(versions).toEqual({
    trainer: expect.stringMatching(/^[0-9a-f]{64}$/),
    node: process.versions.node,
    'onnxruntime-node': expect.stringMatching(/^\d+\.\d+\.\d+/),
    runtime: expect.stringMatching(/^(?:ops|ffi|stock)$/),
    arch: process.arch,
    instructions: expect.any(String),
  });
});
