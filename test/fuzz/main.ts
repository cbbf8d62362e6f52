import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { targets } from './targets.ts';
import type { FuzzTarget } from './target.ts';
import type { Tried } from './try-inputs.ts';

/** An input that takes this long counts as a hang. */
const hangMs = 30_000;
/** JavaScript's own heap; buffers come on top. */
const heapMiB = 256;
const batchCases = 500;

interface Flags {
  readonly cases: string;
  readonly seed: string;
  readonly inputs: string;
}

const child = fileURLToPath(new URL('child.ts', import.meta.url));

await new Command('npm run test:fuzz --')
  .description('Tries damaged files and messages on everything that reads what a stranger wrote.')
  .argument('[target...]', targets.map(({ name }) => name).join(', '))
  .option('--cases <n>', 'inputs for each target', '200000')
  .option('--seed <n>', 'of the inputs', String(Date.now() % 1_000_000))
  .option('--inputs <directory>', 'where the input that ended a run is kept', '.r1/fuzz')
  .action(fuzz)
  .parseAsync();

async function fuzz(names: readonly string[], flags: Flags): Promise<void> {
  const unknown = names.find((name) => !targets.some((target) => target.name === name));
  if (unknown !== undefined) throw new Error(`no target is named ${unknown}`);
  const directory = resolve(flags.inputs);
  await mkdir(directory, { recursive: true });
  console.log(`seed ${flags.seed}`);
  console.log(
    '| target | cases | refused | ended | slowest ms | peak MiB (most) |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const target of targets.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const file = join(directory, target.name.replaceAll(/\W+/g, '-'));
    // oxlint-disable-next-line no-await-in-loop -- two at once would disturb each other's figures
    const line = await run(target, flags, file).catch((error: unknown) => {
      process.exitCode = 1;
      return `${target.name}: ${String(error)}\n  its input is in ${file}`;
    });
    console.log(line);
  }
}

interface Batch extends Tried {
  readonly batch: number;
  readonly peakMiB: number;
}

/** Tries all batches of a target, in a new process after each input that had to be ended, and one more for the batch that it cut short. */
async function run(target: FuzzTarget, flags: Flags, inputFile: string): Promise<string> {
  const batches = Math.ceil(Number(flags.cases) / batchCases);
  const all: Batch[] = [];
  let ended = 0;
  for (let next = 0; next < batches + ended;) {
    // oxlint-disable-next-line no-await-in-loop -- a process goes on where the one before it was ended
    const { done, hung } = await runBatches(target, next, batches + ended, flags.seed, inputFile);
    all.push(...done);
    next += done.length;
    if (!hung) break;
    if (target.mayRunForEver !== true) throw new Error(`an input took longer than ${hangMs / 1000} s`);
    ended++;
    next++;
  }
  const peakMiB = Math.max(...all.map((batch) => batch.peakMiB));
  if (peakMiB > target.mostMiB) throw new Error(`took ${peakMiB} MiB, expected at most ${target.mostMiB}`);
  const sum = (key: 'cases' | 'refused') => all.reduce((total, batch) => total + batch[key], 0);
  const slowestMs = Math.max(...all.map((batch) => batch.slowestMs));
  return `| ${target.name} | ${sum('cases')} | ${sum('refused')} | ${ended} | ${slowestMs.toFixed(0)} | ${peakMiB} (${target.mostMiB}) |`;
}

async function runBatches(
  target: FuzzTarget,
  first: number,
  last: number,
  seed: string,
  inputFile: string,
): Promise<{ done: Batch[]; hung: boolean }> {
  await writeFile(inputFile, '');
  const numbers = [first, last, batchCases].map(String);
  const reading = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMiB}`, child, target.name, inputFile, ...numbers, seed],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const watch = setInterval(() => {
    void stat(inputFile).then(
      ({ mtimeMs }) => Date.now() - mtimeMs > hangMs && reading.kill('SIGKILL'),
      () => undefined,
    );
  }, 1000);
  const [[code, signal], out, err] = await Promise.all([
    once(reading, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    text(reading.stdout),
    text(reading.stderr),
  ]);
  clearInterval(watch);
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(err.slice(-3000));
  const lines = out.split('\n').filter((line) => line.startsWith('{'));
  return { done: lines.map((line) => JSON.parse(line) as Batch), hung: signal === 'SIGKILL' };
}
