import { squareBlocks, sumOfSquares } from '../../optim/clipping.ts';
import { sumOfSquaresProgram } from '../../optim/sum-of-squares-program.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { zeros } from '../../runtime/aligned-memory.ts';
import { floatTensor } from '../../runtime/tensor.ts';
import type { Jobs } from './protocol.ts';

/** A worker's share of the sums of squares: by the kernel where there is one, else by a loop. */
export async function sumSquares(
  { runtime, programs }: { runtime: Runtime; programs: ExecutableCache },
  { memory: { gradient, squares }, range }: Jobs['squares']['request'],
): Promise<void> {
  const blocks = squareBlocks(gradient.length).slice(range.start, range.end);
  for (const [at, { start, end }] of blocks.entries()) {
    const index = range.start + at;
    const part = gradient.subarray(start, end);
    if (runtime.name !== 'ops') {
      squares[index] = sumOfSquares(part);
      continue;
    }
    const sum = zeros('float64', [1]);
    // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
    const program = await programs.get('sum of squares', sumOfSquaresProgram);
    // oxlint-disable-next-line no-await-in-loop
    await program.run({ x: floatTensor(part, [part.length]) }, { sum });
    squares[index] = sum.data[0] as number;
  }
}
