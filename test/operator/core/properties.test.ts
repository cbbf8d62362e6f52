import { test } from '@jest/globals';
import * as fc from 'fast-check';
import { course } from './world/happening.ts';
import { live } from './world/history.ts';

/** R1_PROPERTY_RUNS=10000 tries more. */
const numRuns = Number(process.env['R1_PROPERTY_RUNS'] ?? 100);

test('whatever happens, stops come first, nothing is stuck, and no status says what is not so', async () => {
  await fc.assert(
    fc.asyncProperty(course, async (each) => void (await live(each))),
    { numRuns },
  );
}, 3_600_000);
