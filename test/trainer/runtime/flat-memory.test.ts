import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { trainerFlags } from '../../../trainer/contract/process/trainer-command.ts';
import { runtimes } from '../../support/with-ops.ts';

const long = process.env['R1_LONG_TESTS'] === '1';
const steps = long ? 2000 : 100;

/** What heaps of JavaScript still grow by in the last quarter. 500 steps that each lose 10 KB are more. */
const slackMiB = long ? 5 : 40;

const program = fileURLToPath(new URL('../../support/memory-of-steps.ts', import.meta.url));

test.each(runtimes)(`${steps} steps on %s leave memory as it was (2000 with R1_LONG_TESTS=1)`, async (runtime) => {
  const env = { ...process.env, NODE_OPTIONS: '', R1_RUNTIME: runtime };
  const { stdout } = await promisify(execFile)(process.execPath, [...trainerFlags, program, `${steps}`], { env });
  const mebibytes = (JSON.parse(stdout) as number[]).map((kibibytes) => kibibytes / 1024);
  expect(mebibytes).toHaveLength(20);
  if (long) console.log(`${runtime}: MiB after every ${steps / 20} steps: ${mebibytes.map(Math.round).join(' ')}`);
  const [third, last] = [mebibytes.slice(10, 15), mebibytes.slice(15)];
  expect(Math.max(...last)).toBeLessThan(Math.max(...third) + slackMiB);
});
