import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import CliTable from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { parse, stringify } from 'yaml';
import { type Claim, claims } from './claims/claims.ts';
import type { TinyRun } from './claims/findings.ts';
import { writeChats } from './claims/chats.ts';
import { writeLookups } from './claims/lookups.ts';
import type { FunnelFigures } from './funnel.ts';
import { type Evidence, judgeClaim } from './claims/judge-claim.ts';
import { claimsPage } from './claims/page.ts';
import { keepTests, keptTests } from './claims/kept-tests.ts';
import { readRun } from './claims/run-record.ts';
import { runTests, type TestResults } from './claims/run-tests.ts';
import { type StagesOfManifest, twinNames, withTwins } from './claims/twins.ts';
import { describeMachine } from './machine.ts';

/** Runs what shows the claims of R1, and prints what was measured: docs/claims.md. */
interface Options {
  readonly only: readonly number[];
  readonly seeds: readonly number[];
  readonly until?: string;
  readonly state?: string;
  readonly write: boolean;
}

const { only, seeds, until, state, write } = new Command('npm run claims --')
  .description('Runs what shows the claims of R1, and prints what was measured.')
  .option('--only <list>', 'claims by their numbers, separated by commas', numbers(1, claims.length), [])
  .option('--seeds <list>', 'of the runs of examples/r1-tiny.yaml', numbers(0, 2 ** 31 - 1), [7, 8, 9])
  .option('--until <stage>', 'the last stage of these runs, r1-zero or a later one')
  .option('--state <directory>', 'where runs are kept: those that are there are not made again', (path) =>
    resolve(path),
  )
  .option('--write', 'write docs/claims.md', false)
  .parse()
  .opts<Options>();

const asked = claims.filter(({ number }) => only.length === 0 || only.includes(number));
const root = state ?? (await mkdtemp(join(tmpdir(), 'r1-claims-')));
await mkdir(root, { recursive: true });
console.log(`state: ${root}`);
const [testsFile, funnelFile] = [join(root, 'tests.json'), join(root, 'funnel.json')];
const outcomes = new Map([...(await keptTests(testsFile)), ...(await testsOf(asked))]);
await keepTests(testsFile, outcomes);
if (asked.some(({ updates }) => updates)) await runUpdates();
if (asked.some(({ funnel }) => funnel)) await runFunnel();
if (asked.some(({ tiny }) => tiny)) await runTiny();
if (asked.some(({ twins }) => twins)) await runTwins();
const evidence: Evidence = {
  tests: outcomes,
  updates: await readUpdates(),
  funnel: await readFunnel(),
  tiny: await readTiny(),
};
const judged = asked.map((claim) => judgeClaim(claim, evidence));
const table = new CliTable({
  head: ['#', 'claim', 'measured', ''],
  colWidths: [4, 36, 70, 11],
  wordWrap: true,
  style: { head: [] },
});
for (const { claim, measured, verdict } of judged) table.push([claim.number, claim.claim, measured, verdict]);
console.log(table.toString());
if (write) {
  const { date, cpu, cores } = describeMachine(new Date());
  const setting = { date: date.slice(0, 10), machine: `${cpu}, ${cores} cores`, seeds };
  // What was not asked for now is judged by what is kept.
  const all = claims.map((claim) => judgeClaim(claim, evidence));
  await writeFile('docs/claims.md', claimsPage(all, setting));
}
process.exitCode = judged.some(({ verdict }) => verdict === 'FAILS') ? 1 : 0;

async function testsOf(of: readonly Claim[]): Promise<TestResults> {
  const files = new Set(of.flatMap(({ tests }) => tests.map(({ file }) => file)));
  return files.size === 0 ? new Map() : runTests([...files]);
}

async function runUpdates(): Promise<void> {
  await run(['cli/main.ts', 'run', 'bench/claims/updates.yaml', '--state', join(root, 'updates')]);
}

async function readUpdates(): Promise<Evidence['updates']> {
  return (await readRun(join(root, 'updates/updates'), ['zero'])).get('zero');
}

/** A twentieth of R1's rows: after a tenth of them memory grows no more. */
async function runFunnel(): Promise<void> {
  if (existsSync(funnelFile)) return;
  const plot = join(root, 'funnel.svg');
  await run(['bench/main.ts', 'funnel', '--rows', '40000', '--plot', plot, '--json', funnelFile]);
}

async function readFunnel(): Promise<Evidence['funnel']> {
  return existsSync(funnelFile) ? (JSON.parse(await readFile(funnelFile, 'utf8')) as FunnelFigures[]) : undefined;
}

/** Whether its own claims hold is judged anew: here by the median. */
async function runTiny(): Promise<void> {
  const stop = until === undefined ? [] : ['--until', until];
  await run(['bench/learning.ts', '--seeds', seeds.join(','), '--state', root, ...stop]);
}

/** Beside a copy of what the runs have left, so that these stay as they are. */
async function runTwins(): Promise<void> {
  for (const seed of seeds) {
    const directory = join(root, `seed-${seed}`);
    const twins = `${directory}-twins`;
    if (!existsSync(twins)) await cp(directory, twins, { recursive: true });
    const manifest = parse(await readFile(`${directory}.yaml`, 'utf8')) as StagesOfManifest;
    const stages = withTwins(manifest, await writeChats(twins, seed), await writeLookups(twins, seed));
    await writeFile(`${twins}.yaml`, stringify(stages));
    await run(['cli/main.ts', 'run', `${twins}.yaml`, '--state', twins]);
  }
}

async function readTiny(): Promise<TinyRun[]> {
  const { spec } = parse(await readFile('examples/r1-tiny.yaml', 'utf8')) as { spec: { stages: { name: string }[] } };
  const names = spec.stages.map(({ name }) => name);
  const read = (directory: string, stages: readonly string[] = names) =>
    readRun(join(root, directory, 'r1-tiny'), stages);
  return Promise.all(
    seeds.map(async (seed) => ({
      seed,
      stages: new Map([...(await read(`seed-${seed}`)), ...(await read(`seed-${seed}-twins`, twinNames))]),
      randomReward: (await read(`seed-${seed}-random-reward`)).get('r1-zero'),
      learningRate0: (await read(`seed-${seed}-learning-rate-0`)).get('r1-zero'),
    })),
  );
}

async function run(args: readonly string[]): Promise<void> {
  if (!existsSync('examples/r1-tiny.yaml')) throw new Error('expected to run in a clone of the project');
  await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
}

function numbers(least: number, most: number): (text: string) => number[] {
  return (text) =>
    text.split(',').map((part) => {
      const value = Number(part);
      if (part.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
      throw new InvalidArgumentError(`expected whole numbers from ${least} to ${most}, separated by commas.`);
    });
}
