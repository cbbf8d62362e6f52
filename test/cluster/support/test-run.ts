import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const testRunVariable = 'R1_TEST_RUN_PID';

/** The process whose end is the end of this test run: Jest's own, not that of one of its workers. */
export function testRunPid(): number {
  return Number(process.env[testRunVariable] ?? process.pid);
}

/** What the workers of one test run share; removed at its end. */
export function testRunDirectory(): string {
  return join(tmpdir(), `r1-test-run-${testRunPid()}`);
}
