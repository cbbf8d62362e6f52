// The program of the process that runs a reward of one's own. It is started with Node's permission model and may read this file
// alone, so it imports nothing of ours but types.
import { stripTypeScriptTypes } from 'node:module';
import type { Answer, Order, Sample, Source } from './protocol.ts';
import type { Score } from '../score.ts';

type Function = (given: unknown) => unknown;

let name = '';
let functions: { readonly grade?: Function; readonly gradeBatch?: Function } = {};

// A signal for the whole group is the trainer's to act on. Without the trainer there is nothing to do.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());

let work = Promise.resolve();
process.on('message', (order: Order) => {
  work = work.then(() => ('source' in order ? load(order) : score(order.samples)));
});

async function load({ source, name: file, strip = false }: Source): Promise<void> {
  name = file.replaceAll(/[\s'"]/g, '_'); // V8 takes no other name for a source
  try {
    const text = strip ? stripTypeScriptTypes(source) : source;
    // What is imported as data can import what is built in, and nothing else; messages name the file all the same.
    const url = `data:text/javascript,${encodeURIComponent(`${text}\n//# sourceURL=${name}`)}`;
    functions = (await import(url)) as typeof functions;
  } catch (error) {
    return tell({ refused: describe(error instanceof SyntaxError && !strip ? withPlace(error, source) : error, true) });
  }
  const problem = problemOf(functions);
  await tell(problem === undefined ? { loaded: functions.grade ? 'grade' : 'gradeBatch' } : { refused: problem });
}

/** A module's faulty syntax comes without its line, which the reader of types tells; where it finds no fault, there are types. */
function withPlace(error: SyntaxError, source: string): unknown {
  try {
    if (stripTypeScriptTypes(source) !== source)
      error.message += '; expected a file whose name ends in .ts, as it has types';
    return error;
  } catch (placed) {
    return placed;
  }
}

function problemOf(exported: Readonly<Record<string, unknown>>): string | undefined {
  const found = ['grade', 'gradeBatch'].filter((each) => each in exported);
  const expected = 'expected one function that is called grade or gradeBatch';
  if (found.length !== 1) {
    const all = found.length === 0 ? Object.keys(exported) : found;
    return `it exports ${all.length === 0 ? 'nothing' : all.join(', ')}; ${expected}`;
  }
  const [only = ''] = found;
  const value = exported[only];
  if (typeof value !== 'function') return `its ${only} is ${inWords(value)}; ${expected}`;
  if (value.length > 1) {
    const given = only === 'grade' ? 'one object, { completion, answer, prompt, row }' : 'one list of samples';
    return `its ${only} takes ${value.length} parameters; expected one: it is given ${given}`;
  }
  return undefined;
}

async function score(samples: readonly Sample[]): Promise<void> {
  const { grade, gradeBatch } = functions;
  if (grade) {
    for (const sample of samples) {
      // oxlint-disable-next-line no-await-in-loop -- what is known must be out before the next one can hang
      await tell({ scores: [await scoreOf(() => grade(sample))] });
    }
  } else if (gradeBatch) {
    await tell({ scores: await scoresOf(() => gradeBatch(samples), samples.length) });
  }
}

async function scoreOf(call: () => unknown): Promise<Score> {
  try {
    return read(await call());
  } catch (error) {
    return { because: 'error', message: describe(error) };
  }
}

async function scoresOf(call: () => unknown, count: number): Promise<Score[]> {
  try {
    const found = await call();
    if (!Array.isArray(found) || found.length !== count) {
      const what = Array.isArray(found) ? `${found.length} scores` : inWords(found);
      throw new Error(`gradeBatch gave ${what} for ${count} samples; expected a list of as many numbers or nulls`);
    }
    return await Promise.all(Array.from(found, (each: unknown) => scoreOf(() => each)));
  } catch (error) {
    const failed: Score = { because: 'error', message: describe(error) };
    return Array.from({ length: count }, () => failed);
  }
}

function read(value: unknown): Score {
  if (value === null) return { because: 'abstain', message: 'it gave null' };
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return { because: 'error', message: `it gave ${inWords(value)}; expected a finite number or null` };
}

function inWords(value: unknown): string {
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value)) return String(value);
  return Array.isArray(value) ? 'a list' : `a value of the type ${typeof value}`;
}

/** `line 3: TypeError: …`; of an import that cannot be, and of what is not allowed, why. */
function describe(error: unknown, isLoading = false): string {
  if (!(error instanceof Error)) return `it threw ${JSON.stringify(error)?.slice(0, 200) ?? inWords(error)}`;
  const { code = '' } = error as NodeJS.ErrnoException;
  const stack = error.stack ?? '';
  if (code === 'ERR_UNSUPPORTED_RESOLVE_REQUEST' || code === 'ERR_MODULE_NOT_FOUND') {
    const [, imported = ''] = /specifier "([^"]*)"/.exec(error.message) ?? [];
    return `it imports "${imported}"; expected one file that imports nothing but what is built into Node`;
  }
  // Of faulty syntax Node writes the place above the message, and else it is the first of the file's own in the stack.
  const above = /^[^\n]*:(\d+)\n/.exec(stack)?.[1];
  const at = stack.indexOf(`${name}:`);
  const line = above ?? (at < 0 ? undefined : /^\d+/.exec(stack.slice(at + name.length + 1))?.[0]);
  return `${line === undefined ? '' : `line ${line}: `}${error.name}: ${messageOf(error, code, isLoading)}`.slice(
    0,
    500,
  );
}

function messageOf({ message, cause }: Error, code: string, isLoading: boolean): string {
  if (code === 'ERR_ACCESS_DENIED') {
    const [restricted] = message.split('. Use --allow'); // which only whoever starts Node can
    return `${restricted}; expected a function that computes: it has no files, processes and threads`;
  }
  if (isLoading && message.includes('in ES module scope')) {
    return `${message}; expected an ECMAScript module, with export function grade or gradeBatch`;
  }
  // Of a request that failed Node says why in the cause alone.
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function tell(answer: Answer): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(answer, () => resolve());
  });
}
