import { test } from '@jest/globals';
import { announceSkipped } from '../support/tools.ts';

/** `npm run test:faults`: more crashes, and tests that wait for minutes. */
export const long = process.env.R1_LONG_TESTS === '1';

if (!long) announceSkipped('long fault tests', 'npm run test:faults runs them, 20 minutes');

/** A test that takes minutes, and is skipped without `long`. */
export const longTest: typeof test = (long ? test : test.skip) as typeof test;
