import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import CliTable from 'cli-table3';
import { Command, Option } from 'commander';
import { parse, stringify } from 'yaml';
import type { StageResult } from '../trainer/contract/files/progress.ts';
import { type BeforeAndAfter, claims, type Claim, doesNotGain, type Measured, staysBase } from './learning-claims.ts';

/**
 * Shows that every stage of examples/r1-tiny.yaml learns, over several seeds, and that the two negative controls do not:
 * the same manifest with a random reward, and with a learning rate of 0.
 */
interface Manifest {
  metadata: { name: string };
  spec: { seed: number; defaults: { precision?: string }; stages: StageInManifest[] };
}

interface StageInManifest {
  name: string;
  grpo?: { rewards: object[]; learningRate: number };
  gate?: object;
}

interface Options {
  readonly seeds: string;
  readonly controls: boolean;
  readonly precision?: 'f32' | 'bf16';
  readonly until?: string;
  readonly state?: string;
}

const example = 'examples/r1-tiny.yaml';
const learned = 'r1-zero';

const {
  seeds,
  controls,
  precision,
  until,
  state: given,
} = new Command('npm run bench:learning --')
  .description(`Runs ${example} for several seeds, and its negative controls.`)
  .option('--seeds <list>', 'seeds, separated by commas', '7,8,9')
  .option('--no-controls', 'leave out the negative controls')
  .addOption(new Option('--precision <precision>', 'of every stage').choices(['f32', 'bf16']))
  .option('--until <stage>', 'the last stage that runs, r1-zero or a later one; claims about others are left out')
  .option('--state <directory>', 'where runs are kept: those that have begun there go on', (path) => resolve(path))
  .parse()
  .opts<Options>();

const root = given ?? (await mkdtemp(join(tmpdir(), 'r1-learning-')));
await mkdir(root, { recursive: true });
console.log(`state: ${root}`);
const text = await readFile(example, 'utf8');
const failures: string[] = [];
const withRandomReward: BeforeAndAfter[] = [];
for (const seed of seeds.split(',').map(Number)) {
  // oxlint-disable no-await-in-loop -- runs side by side would take each other's cores
  const state = join(root, `seed-${seed}`);
  const whole = parse(text) as Manifest;
  const manifest = until === undefined ? whole : upTo(until, whole);
  manifest.spec.seed = seed;
  if (precision !== undefined) manifest.spec.defaults.precision = precision;
  const seconds = await run(manifest, state);
  const stages = await results(state, manifest);
  print(seed, seconds, stages);
  show(claims(stages));
  if (controls) {
    const random = await control('random reward', state, manifest, (grpo) => (grpo.rewards = [{ random: {} }]));
    const still = await control('learning rate 0', state, manifest, (grpo) => (grpo.learningRate = 0));
    const base = stages.get('base');
    withRandomReward.push({ before: base, after: random });
    show([staysBase('learning rate 0', base, still)]);
  }
  // oxlint-enable no-await-in-loop
}
if (withRandomReward.length > 0) show([doesNotGain('random reward', withRandomReward)]);
console.log(failures.length === 0 ? 'every claim holds' : `${failures.length} claims do not hold`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** The manifest without the stages after `last`. */
function upTo(last: string, manifest: Manifest): Manifest {
  const shorter = structuredClone(manifest);
  const { stages } = shorter.spec;
  const end = stages.findIndex(({ name }) => name === last) + 1;
  if (end === 0) throw new Error(`${example}: expected a stage named ${last}`);
  stages.length = end;
  return shorter;
}

/** Runs a changed R1-Zero on the base model that the seed's run has made. */
async function control(
  name: string,
  state: string,
  manifest: Manifest,
  change: (grpo: NonNullable<StageInManifest['grpo']>) => void,
): Promise<Measured | undefined> {
  const controlState = `${state}-${name.replaceAll(' ', '-')}`;
  const begun = existsSync(controlState);
  if (!begun) await cp(state, controlState, { recursive: true });
  const changed = upTo(learned, manifest);
  const stage = changed.spec.stages.at(-1);
  if (!stage?.grpo) throw new Error(`${example}: expected a grpo stage named ${learned}`);
  change(stage.grpo);
  delete stage.gate; // it would rightly stop a policy that has not learned
  await run(changed, controlState, ...(begun ? [] : ['--rerun-from', learned]));
  return (await results(controlState, changed)).get(learned);
}

async function run(manifest: Manifest, state: string, ...flags: readonly string[]): Promise<number> {
  const file = `${state}.yaml`;
  await writeFile(file, stringify(manifest));
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['cli/main.ts', 'run', file, '--state', state, ...flags], { stdio: 'inherit' });
  const code = await new Promise<number | null>((ended) => child.on('exit', ended));
  if (code !== 0) throw new Error(`r1 run ${file} ended with ${code}`);
  return (performance.now() - startedMs) / 1000;
}

async function results(state: string, { metadata, spec }: Manifest): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const { name } of spec.stages) {
    const path = join(state, metadata.name, 'volume', name, 'result.json');
    // oxlint-disable-next-line no-await-in-loop -- a few small files
    measured.set(name, (JSON.parse(await readFile(path, 'utf8')) as StageResult).metrics);
  }
  return measured;
}

function print(seed: number, seconds: number, stages: ReadonlyMap<string, Measured>): void {
  const table = new CliTable({
    head: ['stage', 'pass@1', 'format', 'language', 'preferred style'],
    style: { head: [] },
  });
  for (const [name, metrics] of stages) {
    if (!('eval/pass@1' in metrics)) continue;
    const cells = ['eval/pass@1', 'eval/format_rate', 'eval/language_consistency', 'eval/greetings/pass@1'];
    table.push([name, ...cells.map((metric) => metrics[metric]?.toFixed(3) ?? '')]);
  }
  console.log(`seed ${seed}: ${seconds.toFixed(0)} s\n${table.toString()}`);
}

function show(made: readonly Claim[]): void {
  for (const { claim, holds, found } of made) {
    if (!holds) failures.push(claim);
    console.log(`${holds ? 'holds ' : 'FAILS '} ${claim}: ${found}`);
  }
}
