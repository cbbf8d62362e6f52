/** `npm run test:gpu`: what only a machine with a GPU can show, in seven minutes at most, as JSON. See docs/gpu.md. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { deviceInWords } from '../../trainer/engine/engine-versions.ts';
import { settleDevice } from '../../trainer/runtime/choose-device.ts';

interface Check {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'ran out of time';
  /** What it printed, or why not. */
  readonly said: readonly unknown[];
}

interface Run {
  readonly command: readonly string[];
  readonly limitSeconds: number;
}

const root = join(import.meta.dirname, '../..');
const compareModels = [process.execPath, join(import.meta.dirname, 'compare-models.ts')];
const device = process.env['R1_DEVICE'] ?? 'cuda';

const found = deviceOrReason();
if ('reason' in found) console.log(`skipped: ${found.reason}`);
else {
  const directory = await mkdtemp(join(tmpdir(), 'r1-gpu-'));
  try {
    await report(found.words, [
      await check('tiny models, against processors', { command: compareModels, limitSeconds: 60 }),
      await sanitized('memcheck'),
      await sanitized('racecheck'),
      await sameDigests(directory),
      await check('r1-tiny', {
        command: pipeline('examples/r1-tiny.yaml', join(directory, 'r1-tiny')),
        limitSeconds: 150,
      }),
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function deviceOrReason(): { readonly words: string } | { readonly reason: string } {
  try {
    settleDevice('cuda');
    return { words: deviceInWords('bf16') };
  } catch (error) {
    if (error instanceof UserError) return { reason: error.message };
    throw error;
  }
}

async function report(words: string, checks: readonly Check[]): Promise<void> {
  const json = JSON.stringify({ date: new Date().toISOString(), device: words, checks }, undefined, 2);
  console.log(json);
  const [, , file] = process.argv;
  if (file !== undefined) await writeFile(file, `${json}\n`);
  if (checks.some(({ outcome }) => outcome !== 'passed' && outcome !== 'skipped')) process.exitCode = 1;
}

/** CUDA's own checker, where its toolkit is there: small shapes, for it makes everything slow. */
async function sanitized(tool: string): Promise<Check> {
  const name = `compute-sanitizer --tool ${tool}`;
  const places = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/cuda/bin'];
  const program = places.map((place) => join(place, 'compute-sanitizer')).find((path) => existsSync(path));
  if (program === undefined) {
    return {
      name,
      seconds: 0,
      outcome: 'skipped',
      said: ['found no compute-sanitizer in PATH or /usr/local/cuda/bin'],
    };
  }
  const options = ['--tool', tool, '--error-exitcode', '9', '--target-processes', 'all'];
  return check(name, { command: [program, ...options, ...compareModels, 'qwen3 f32'], limitSeconds: 45 });
}

/** Two runs of a small pipeline of every kind of stage. */
async function sameDigests(directory: string): Promise<Check> {
  const [first, second] = [join(directory, 'first'), join(directory, 'second')];
  const runs: Check[] = [];
  for (const state of [first, second]) {
    const command = pipeline('test/fixtures/pipelines/mini.yaml', state);
    // oxlint-disable-next-line no-await-in-loop -- one after the other on a device
    runs.push(await check('two runs of a pipeline, with one digest a stage', { command, limitSeconds: 60 }));
  }
  const [one, other] = runs as [Check, Check];
  const seconds = one.seconds + other.seconds;
  const unfinished = [one, other].find(({ outcome }) => outcome !== 'passed');
  if (unfinished) return { ...unfinished, seconds };
  const [digests, again] = [await digestsIn(first), await digestsIn(second)];
  const outcome = JSON.stringify(digests) === JSON.stringify(again) ? 'passed' : 'failed';
  return { ...one, seconds, outcome, said: outcome === 'passed' ? [digests] : [digests, again] };
}

async function digestsIn(state: string): Promise<Record<string, string | undefined>> {
  const stages = (await readdir(join(state, 'mini/stages'))).toSorted();
  const digests = stages.map(async (name) => {
    const stage = JSON.parse(await readFile(join(state, 'mini/stages', name), 'utf8')) as {
      readonly status?: { readonly checkpoint?: { readonly digest: string } };
    };
    return [name, stage.status?.checkpoint?.digest] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

function pipeline(manifest: string, state: string): string[] {
  return [process.execPath, join(root, 'cli/main.ts'), 'run', join(root, manifest), '--state', state];
}

async function check(name: string, { command, limitSeconds }: Run): Promise<Check> {
  const startedMs = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, R1_DEVICE: device },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitSeconds * 1000,
    killSignal: 'SIGKILL',
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const outcome = (await code) === 0 ? 'passed' : child.killed ? 'ran out of time' : 'failed';
  const said = [...linesOf(stdout).map(parsed), ...linesOf(stderr)].slice(-20);
  return { name, seconds: (performance.now() - startedMs) / 1000, outcome, said };
}

function linesOf(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
