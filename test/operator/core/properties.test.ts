import { test } from '@jest/globals';
import * as fc from 'fast-check';
import { course, type Course } from './world/happening.ts';
import { live } from './world/history.ts';

/** R1_PROPERTY_RUNS=10000 tries more. */
const numRuns = Number(process.env['R1_PROPERTY_RUNS'] ?? 100);

const begun: Course['happenings'] = [
  { kind: 'settle' },
  { kind: 'podRuns', which: 0 },
  { kind: 'podEnds', which: 0, how: 'succeeds' },
  { kind: 'settle' },
];
const inRow = (...happenings: Course['happenings']): [Course] => [
  { family: 0, variant: 0, maxRunningStages: 1, happenings: [...begun, ...happenings] },
];

/** Courses that went wrong once, and that chance comes to rarely. */
const examples: [Course][] = [
  // A stage waited for an input that was gone, in the only place where it could have been made again.
  inRow(
    { kind: 'podRuns', which: 0 },
    { kind: 'deleteStage', which: 0 },
    { kind: 'podEnds', which: 0, how: 'killed' },
    { kind: 'settle' },
    { kind: 'time', seconds: 60 },
    { kind: 'settle' },
  ),
  // A finished stage that was edited started again beside the next one.
  inRow({ kind: 'editStage', which: 2, seed: 9 }, { kind: 'lookAtStage', which: 0 }, { kind: 'podRuns', which: 0 }),
];

test('whatever happens, stops come first, nothing is stuck, and no status says what is not so', async () => {
  await fc.assert(
    fc.asyncProperty(course, async (each) => void (await live(each))),
    { numRuns, examples },
  );
}, 3_600_000);
