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
  console.log('| target | cases | refused | slowest ms | peak MiB (most) |\n| --- | --- | --- | --- | --- |');
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

async function run(target: FuzzTarget, { cases, seed }: Flags, inputFile: string): Promise<string> {
  await writeFile(inputFile, '');
  const reading = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMiB}`, child, target.name, cases, seed, inputFile],
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
  if (signal === 'SIGKILL') throw new Error(`an input took longer than ${hangMs / 1000} s`);
  if (code !== 0) throw new Error(err.slice(0, 3000));
  const figures = JSON.parse(out.trim().split('\n').at(-1) ?? '') as Tried & { peakMiB: number };
  if (figures.peakMiB > target.mostMiB)
    throw new Error(`took ${figures.peakMiB} MiB, expected at most ${target.mostMiB}`);
  const { refused, slowestMs, peakMiB } = figures;
  return `| ${target.name} | ${figures.cases} | ${refused} | ${slowestMs.toFixed(0)} | ${peakMiB} (${target.mostMiB}) |`;
}
