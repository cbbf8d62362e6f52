import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test.each(['SIGTERM', 'SIGINT'])('%s that comes before the second call is heard', async (signal) => {
  const module = join(import.meta.dirname, '../../trainer/stop-on-signals.ts');
  // A signal waits until the thread is free; the calls come before that, as they do in a trainer that is loading.
  const script = `
    const { stopOnSignals } = await import(${JSON.stringify(module)});
    stopOnSignals();
    process.kill(process.pid, '${signal}');
    const stop = stopOnSignals();
    setTimeout(() => console.log(stop.aborted), 100);
  `;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toBe('true\n');
});
