import { createHash } from 'node:crypto';
import { type Lost, RunnerPool } from '../runners/runner-pool.ts';
import type { Job, Language, Outcome } from './code-tests.ts';
import { hosts } from './hosts.ts';
import { mostHosts } from './most-hosts.ts';

/**
 * Of a processor, for all tests of an answer together, as judges of programs have it. The bound of steps comes first, and is the same on every machine; time is for
 * what has no steps, such as `sum(range(10**12))` or a product of huge whole numbers, and for steps that each do much.
 */
const limitSeconds = 10;

const pools: Record<Language, RunnerPool<Job, readonly Outcome[]>> = {
  javascript: new RunnerPool(hosts.javascript, { size: mostHosts, timeoutMs: 1000 * limitSeconds }),
  python: new RunnerPool(hosts.python, { size: mostHosts, timeoutMs: 1000 * limitSeconds }),
};

/** Outcomes by job, the newest last: a group often has one program more than once, and a vote asks for what a verdict has asked for. */
const known = new Map<string, Promise<readonly Outcome[] | undefined>>();
const mostKnown = 2000;

/** What comes of an answer, up to the first test that failed; nothing where its run was lost by no fault of its own. */
export function runCode(language: Language, job: Job): Promise<readonly Outcome[] | undefined> {
  const key = createHash('sha256')
    .update(JSON.stringify([language, job]))
    .digest('base64');
  const found = known.get(key) ?? run(language, job);
  known.delete(key);
  known.set(key, found);
  const [oldest] = known.keys();
  // One that was lost may not be so the next time.
  void found.then((outcomes) => outcomes === undefined && known.delete(key));
  if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
  return found;
}

async function run(language: Language, job: Job): Promise<readonly Outcome[] | undefined> {
  return outcomesOf(await pools[language].run(job));
}

/** What uses up its time, or breaks what it runs in, has failed its test: otherwise a policy could learn to have no score instead of a bad one. */
export function outcomesOf(told: readonly Outcome[] | Lost): readonly Outcome[] | undefined {
  switch (told) {
    case 'timeout':
      return [{ failed: `it took more than ${limitSeconds} s of a processor` }];
    case 'broken':
      return [{ failed: 'it broke what it ran in' }];
    case 'error':
      return undefined;
    default:
      return told;
  }
}
