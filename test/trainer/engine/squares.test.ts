import { expect, test } from '@jest/globals';
import { optimizerMemory, share } from '../../../trainer/engine/threads/shared-memory.ts';
import { sumSquares } from '../../../trainer/engine/threads/squares.ts';
import type { ParameterLayout } from '../../../trainer/models/parameters.ts';
import { ExecutableCache } from '../../../trainer/runtime/executable-cache.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { runtimes } from '../../support/with-ops.ts';

const size = 2 * 2 ** 22 + 1001;

/** At the borders of blocks and of the whole. */
const special = [
  [0, 100],
  [2 ** 22 - 1, -200],
  [2 ** 22, 300],
  [size - 1, 400],
] as const;

/** The sums that workers leave behind. */
async function squaresOf(name: (typeof runtimes)[number], workers: number): Promise<number[]> {
  const runtime = await openRuntime(name);
  const programs = new ExecutableCache(runtime, 1);
  const memory = optimizerMemory({ size } as ParameterLayout);
  memory.squares.fill(NaN); // of the step before
  memory.gradient.fill(0.1);
  for (const [i, value] of special) memory.gradient[i] = value;
  for (let worker = 0; worker < workers; worker++) {
    const range = share(memory.squares.length, worker, workers);
    // oxlint-disable-next-line no-await-in-loop -- one worker after the other
    await sumSquares({ runtime, programs }, { memory, range });
  }
  return [...memory.squares];
}

test.each(runtimes)('all squares are summed, in the same bits for any number of workers: %s', async (name) => {
  const one = await squaresOf(name, 1);
  const expected = special.reduce(
    (sum, [, value]) => sum + value ** 2,
    (size - special.length) * Math.fround(0.1) ** 2,
  );
  expect(one.reduce((sum, square) => sum + square, 0) / expected).toBeCloseTo(1, 9);
  expect(await squaresOf(name, 2)).toEqual(one);
  expect(await squaresOf(name, 5)).toEqual(one);
});
