/**
 * Preloaded into a trainer, so that a signal meets it at a known moment however fast the machine is: at its first file
 * operation after a file holds a text.
 *
 *   R1_TEST_SIGNAL='{"file": "…/metrics.jsonl", "holds": "\"step\":5,", "signal": "SIGKILL"}' node --import …/signal-when.ts …
 */
import { globSync, promises, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

export interface SignalWhen {
  /** Path, with * for what a test does not know. */
  readonly file: string;
  /** Left out: the file is there. */
  readonly holds?: string;
  readonly signal?: NodeJS.Signals;
  /** Instead of a signal: what the file is overwritten with. */
  readonly write?: string;
}

export const signalVariable = 'R1_TEST_SIGNAL';

const {
  file,
  holds,
  signal = 'SIGKILL',
  write,
} = JSON.parse(process.env[signalVariable] ?? '{}') as Partial<SignalWhen>;
if (isMainThread && file !== undefined) watch(file);

function watch(pattern: string): void {
  let sent = false;
  const operations = promises as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, operation] of Object.entries(operations)) {
    if (typeof operation !== 'function') continue;
    operations[name] = (...args) => {
      if (
        !sent &&
        globSync(pattern).some((path) => holds === undefined || readFileSync(path, 'utf8').includes(holds))
      ) {
        sent = true;
        if (write === undefined) process.kill(process.pid, signal);
        else writeFileSync(pattern, write);
      }
      return operation(...args);
    };
  }
  syncBuiltinESMExports();
}
