import { rmSync } from 'node:fs';
import { testRunDirectory, testRunVariable } from './test-run.ts';

/** Lets the workers, which inherit this, know the test run that they belong to. Nothing is started before a test needs it. */
export default function setUp(): void {
  process.env[testRunVariable] = String(process.pid);
  rmSync(testRunDirectory(), { recursive: true, force: true }); // of a run that was killed and had this number
}
