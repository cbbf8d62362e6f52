import { expect, test } from '@jest/globals';
import { kernelReport, spills } from '../../native/cuda/kernel-report.ts';

/** Of nvcc 13.0 --ptxas-options=-v. */
const text = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN2r14cuda6attendINS0_15CachedSequencesItEEEEvT_PKffPfS7_' for 'sm_80'
ptxas info    : Function properties for _ZN2r14cuda6attendINS0_15CachedSequencesItEEEEvT_PKffPfS7_
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 48 registers, used 1 barriers, 8 bytes cumulative stack size, 472 bytes cmem[0], 80 bytes cmem[2]
ptxas info    : Compile time = 967.712 ms
ptxas info    : Compiling entry function '_ZN2r14cuda9fillCellsEPll' for 'sm_90'
ptxas info    : Function properties for _ZN2r14cuda9fillCellsEPll
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
`;

test('tells of each kernel on each architecture how many registers it uses, and what of them it keeps in memory', () => {
  const kernels = kernelReport(text);
  expect(kernels).toEqual([
    { kernel: 'attend<NS0_15CachedSequencesItEE>', architecture: 'sm_80', registers: 48, spilled: 12 },
    { kernel: 'fillCells', architecture: 'sm_90', registers: 8, spilled: 0 },
  ]);
  expect(spills(kernels)).toEqual([kernels[0]]);
});
