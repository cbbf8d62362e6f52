import { expect, test } from '@jest/globals';
import { peakFlops } from '../../../trainer/runtime/gpu-peaks.ts';

test.each([
  ['NVIDIA H100 80GB HBM3', 989, 67],
  ['NVIDIA H100 PCIe', 756, 51],
  ['NVIDIA H100 NVL', 835, 60],
  ['NVIDIA H200', 989, 67],
  ['NVIDIA A100-SXM4-80GB', 312, 19.5],
  ['NVIDIA A10', 125, 31.2],
  ['NVIDIA L40S', 362, 91.6],
  ['NVIDIA L4', 121, 30.3],
])('%s does %d Tflop/s at most in bf16 and %d in f32', (name, bf16, f32) => {
  expect([peakFlops(name, 'bf16'), peakFlops(name, 'f32')]).toEqual([bf16 * 1e12, f32 * 1e12]);
});

test.each(['NVIDIA GeForce GTX 9999', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', 'NVIDIA A1000'])(
  'of %s nothing is claimed',
  (name) => expect(peakFlops(name, 'bf16')).toBeUndefined(),
);
