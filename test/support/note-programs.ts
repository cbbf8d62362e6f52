/**
 * Preloaded into a trainer: every program that one of its threads compiles becomes a line of a file.
 *
 *   R1_TEST_PROGRAMS=programs.jsonl node --import …/note-programs.ts …
 */
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import threads, { threadId, Worker, type WorkerOptions } from 'node:worker_threads';
import { ExecutableCache } from '../../trainer/runtime/executable-cache.ts';

export const programsVariable = 'R1_TEST_PROGRAMS';

export interface NotedProgram {
  readonly thread: number;
  readonly key: string;
}

const file = process.env[programsVariable];
if (file !== undefined) note(file);

function note(path: string): void {
  const { prototype } = ExecutableCache;
  const { get } = prototype; // oxlint-disable-line typescript/unbound-method -- called with its cache below
  prototype.get = function noted(key, build) {
    return get.call(this, key, () => {
      appendFileSync(path, `${JSON.stringify({ thread: threadId, key } satisfies NotedProgram)}\n`);
      return build();
    });
  };
  // The engine's threads take no flags of their process.
  threads.Worker = class extends Worker {
    constructor(program: string | URL, options: WorkerOptions = {}) {
      super(program, { ...options, execArgv: ['--import', fileURLToPath(import.meta.url)] });
    }
  };
  syncBuiltinESMExports();
}
