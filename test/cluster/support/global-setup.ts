import { testRunVariable } from './test-run.ts';

/** Lets the workers, which inherit this, know the test run that they belong to. Nothing is started before a test needs it. */
export default function setUp(): void {
  process.env[testRunVariable] = String(process.pid);
}
