/**
 * A trainer that trains nothing and keeps the contract: progress lines, checkpoints with manifests, resume, result,
 * exit codes, SIGTERM. Its "weights" are a hash chain over the steps, so that a resumed run must end in the same
 * digest as one that was never stopped.
 *
 *   node fake-trainer.ts PLAN run --stage FILE
 *   node fake-trainer.ts PLAN rollout …           does nothing until it is told to end
 *
 * PLAN is a JSON file: stage → behaviours of its attempts, the last one for all further attempts.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../../trainer/contract/process/exit-codes.ts';
import type { StageResult } from '../../trainer/contract/files/progress.ts';
import type { StageFile } from '../../trainer/contract/settings/stage-file.ts';

// The schemas are not imported: a process starts four times as fast without them.
const checkpointManifestName = 'checkpoint.json';
const resultName = 'result.json';
const stepDirectory = (at: number): string => `step-${String(at).padStart(6, '0')}`;

export interface Behaviour {
  /** Default 3. */
  readonly steps?: number;
  readonly stepMs?: number;
  readonly metrics?: Readonly<Record<string, number>>;
  /** After this many steps: exit with the code, or be killed by the signal, or say nothing for ever. */
  readonly failAfter?: number;
  readonly exit?: keyof typeof exitCodes | number;
  readonly signal?: NodeJS.Signals;
  readonly hang?: boolean;
  readonly ignoreSigterm?: boolean;
  readonly message?: string;
  /** Damage the final checkpoint after its digest was taken. */
  readonly damage?: boolean;
  /** In every progress line and in the result. */
  readonly warnings?: StageResult['warnings'];
}

const [, , planPath = '', command = '', , filePath = ''] = process.argv;
if (command === 'rollout') await waitForLearner();
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Record<string, Behaviour[]>;
const file = JSON.parse(readFileSync(filePath, 'utf8')) as StageFile;
const behaviours = plan[file.stage] ?? [];
const behaviour = behaviours[file.attempt - 1] ?? behaviours.at(-1) ?? {};
const { steps = 3, stepMs = 0, failAfter = Infinity, metrics = {} } = behaviour;
const { out } = file;

const isData = file.settings.sample !== undefined || file.settings.review !== undefined;
const hasOutput = file.settings.evaluate === undefined;
const settings = sha256(
  JSON.stringify([file.stage, file.seed, file.settings, file.model, file.inputs]).replaceAll(/"path":"[^"]*"/g, ''),
);

mkdirSync(out, { recursive: true });
appendFileSync(join(out, 'attempts.log'), `${file.attempt}\n`);
claimDirectory();
for (const input of [file.model?.input, ...Object.values(file.inputs)]) {
  if (input === undefined) continue;
  const found = sha256(readFileSync(join(input.path, checkpointManifestName)));
  if (found !== input.digest) fail('userError', `${input.path}: found digest ${found}, expected ${input.digest}`);
}

let stopping = false;
if (behaviour.ignoreSigterm === true) process.on('SIGTERM', () => undefined);
else process.on('SIGTERM', () => (stopping = true));

let { step, state } = resume();
for (;;) {
  progress();
  if (step >= failAfter) await misbehave();
  if (step >= steps) break;
  await sleep(stepMs);
  step++;
  state = sha256(`${state} ${step}`);
  appendFileSync(join(out, 'steps.log'), `${file.attempt} ${step}\n`);
  if (hasOutput && !isData) save(stepDirectory(step), step === steps);
  if (stopping) fail('interrupted', `asked to stop; saved step ${step}`);
}
const checkpoint = hasOutput ? { ...save(isData ? 'data' : stepDirectory(step), true), step } : undefined;
if (behaviour.damage === true && checkpoint !== undefined) writeFileSync(join(checkpoint.path, 'weights'), 'damaged');
finish({
  outcome: 'succeeded',
  reason: 'succeeded',
  message: behaviour.message ?? `${step} steps`,
  ...(checkpoint && { checkpoint }),
  metrics: { reward: 0.5, ...metrics },
  ...(behaviour.warnings && { warnings: behaviour.warnings }),
});

async function waitForLearner(): Promise<never> {
  process.on('SIGTERM', () => process.exit(0));
  console.log('waits for a learner');
  await sleep(1e9);
  process.exit(1);
}

/** Two trainers that write into one directory leave proof of it. */
function claimDirectory(): void {
  const claim = join(out, 'writer.pid');
  const other = existsSync(claim) ? Number(readFileSync(claim, 'utf8')) : undefined;
  if (other !== undefined && isAlive(other)) writeFileSync(join(out, 'two-writers'), `${other} ${process.pid}\n`);
  writeFileSync(claim, String(process.pid));
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

function resume(): { step: number; state: string } {
  const newest = readdirSync(out)
    .filter((name) => /^step-\d+$/.test(name))
    .toSorted()
    .findLast(
      (name) => JSON.parse(readFileSync(join(out, name, checkpointManifestName), 'utf8')).settingsDigest === settings,
    );
  if (newest === undefined) return { step: 0, state: settings };
  return { step: Number(newest.slice(5)), state: readFileSync(join(out, newest, 'weights'), 'utf8') };
}

function save(name: string, final: boolean): { path: string; digest: string } {
  const path = join(out, name);
  const partial = `${path}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  writeFileSync(join(partial, 'weights'), state);
  const manifest = JSON.stringify({
    version: 1,
    step,
    final,
    files: [{ path: 'weights', bytes: state.length, sha256: sha256(state) }],
    settingsDigest: settings,
    engine: {},
  });
  writeFileSync(join(partial, checkpointManifestName), manifest);
  rmSync(path, { recursive: true, force: true });
  renameSync(partial, path);
  return { path, digest: sha256(manifest) };
}

function progress(): void {
  const time = new Date().toISOString();
  const line = {
    type: 'progress',
    time,
    step,
    steps,
    phase: 'train',
    metrics: { reward: 0.1 * step },
    secondsLeft: steps - step,
    warnings: behaviour.warnings,
  };
  process.stdout.write(`a line that is no progress\n${JSON.stringify(line)}\n`);
}

async function misbehave(): Promise<void> {
  if (behaviour.hang === true) await sleep(1e9);
  if (behaviour.signal !== undefined) {
    process.kill(process.pid, behaviour.signal);
    await sleep(1e9);
  }
  const { exit = 1, message = 'it went wrong' } = behaviour;
  console.error(message);
  if (typeof exit === 'number') process.exit(exit);
  fail(exit, message);
}

function fail(reason: keyof typeof exitCodes, message: string): never {
  return finish({ outcome: reason === 'interrupted' ? 'interrupted' : 'failed', reason, message, metrics: {} });
}

function finish(result: StageResult): never {
  writeFileSync(join(out, resultName), JSON.stringify(result));
  process.exit(exitCodes[result.reason as keyof typeof exitCodes]);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
