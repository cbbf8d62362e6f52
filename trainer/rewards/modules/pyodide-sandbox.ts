// The program of the process that runs a reward in Python by Pyodide. It is started with Node's permission model and may read this file, reward.py
// and Pyodide alone, so it imports nothing of ours but types.
import { constants, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Answer, Order } from './protocol.ts';

const [directory = '', rewardFile = '', format = '', memoryMiB = ''] = process.argv.slice(2);

/** What is used of Pyodide. */
interface Pyodide {
  readonly globals: { get(name: string): (text: string) => Promise<string>; set(name: string, value: unknown): void };
  runPython(source: string): unknown;
}
type LoadPyodide = (options: object) => Promise<Pyodide>;

// A signal for the whole group is the trainer's to act on. Without the trainer there is nothing to do.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());

const answerText = `
import json

reward = Reward(prompt_format, memory_mib, "the standard library alone: interpreter: python3 takes one that has more")

async def answer_text(text):
    try:
        answer = reward.answer(json.loads(text))
        return json.dumps(await answer if inspect.iscoroutine(answer) else answer)
    except SystemExit as error:
        return json.dumps({"ended": error.code if isinstance(error.code, int) else 1})
`;

async function start(): Promise<(text: string) => Promise<string>> {
  // Emscripten asks for the flags of files in a way that is closed to a process without rights.
  Object.assign(process, { binding: () => ({ fs: constants }) });
  const { loadPyodide } = (await import(pathToFileURL(`${directory}/pyodide.mjs`).href)) as {
    loadPyodide: LoadPyodide;
  };
  const { info } = JSON.parse(readFileSync(`${directory}/pyodide-lock.json`, 'utf8')) as { info: object };
  const python = await loadPyodide({
    // Sets must come in the same order in every process.
    env: { HOME: '/home', PYTHONHASHSEED: '0' },
    jsglobals: { setTimeout, clearTimeout },
    lockFileContents: JSON.stringify({ info, packages: {} }), // nothing is there that could be fetched
  });
  python.runPython(readFileSync(rewardFile, 'utf8'));
  python.globals.set('prompt_format', format);
  python.globals.set('memory_mib', Number(memoryMiB));
  python.runPython(answerText);
  return python.globals.get('answer_text');
}

const started = start();
let work = Promise.resolve();
process.on('message', (order: Order) => {
  work = work.then(() => answer(order)).catch(end);
});

async function answer(order: Order): Promise<void> {
  const ask = await started;
  const given = JSON.parse(await ask(JSON.stringify(order))) as Answer | { readonly ended: number };
  if ('ended' in given) process.exit(given.ended);
  process.send?.(given);
}

/** Nothing can be asked of Pyodide after a fault of its own. */
function end(error: unknown): void {
  console.error(error);
  process.exit(1);
}
