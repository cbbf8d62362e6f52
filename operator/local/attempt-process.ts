import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { resultName } from '../../trainer/contract/files/checkpoint.ts';
import { makeDirectory } from '../../trainer/contract/files/make-directory.ts';
import { stageResult, type ProgressLine, type StageResult } from '../../trainer/contract/files/progress.ts';
import type { AttemptExit, AttemptObserved, StopReason } from '../core/observed.ts';
import { LogFollower } from './log-follower.ts';
import { send } from './orphans.ts';
import { RolloutProcesses, type RolloutProcessesOptions } from './rollout-processes.ts';
import { checkpointProblem } from './verify-checkpoint.ts';

/** How long a trainer has to save after it was asked to end; then it is killed, so that no process is left that nothing ends. */
const defaultGraceMs: Record<StopReason, number> = {
  shutdown: 300_000,
  suspended: 300_000,
  hung: 10_000,
  deadline: 300_000,
  budget: 300_000,
  replaced: 300_000,
  volumeGone: 10_000,
  orphaned: 300_000,
  startDeadline: 10_000,
};

const outOfMemoryWords = /heap out of memory|bad_alloc|bad allocation|Cannot allocate memory|ENOMEM/;

export interface AttemptOptions {
  /** The trainer and its leading arguments. */
  readonly command: readonly string[];
  readonly number: number;
  readonly file: string;
  readonly log: string;
  readonly out: string;
  /** Instead of the default for the reason. */
  readonly graceMs?: number | undefined;
  /** Run beside the trainer and end with it. */
  readonly rolloutWorkers?: RolloutProcessesOptions | undefined;
  readonly onProgress: (line: ProgressLine) => void;
  /** Nothing is left of it, and its result was read and verified. */
  readonly onEnd: () => void;
}

/** One attempt as a child process. */
export class AttemptProcess {
  private readonly options: AttemptOptions;
  private readonly child: ChildProcess;
  private readonly rolloutWorkers: RolloutProcesses | undefined;
  private readonly follower: LogFollower;
  private readonly startedAt = Date.now();
  private progress: ProgressLine | undefined;
  /** When it was last heard of, on a clock that never goes back. */
  private heardAt = performance.now();
  private stopping: StopReason | undefined;
  private end: Pick<AttemptObserved, 'endedAt' | 'exit' | 'result' | 'checkpointProblem'> | undefined;
  private killTimer: NodeJS.Timeout | undefined;
  /** Settles when the process is gone and its result was read. */
  readonly ended: Promise<void>;

  static async start(options: AttemptOptions): Promise<AttemptProcess> {
    await makeDirectory(options.out);
    await makeDirectory(dirname(options.log));
    const log = await open(options.log, 'w');
    try {
      const [program = process.execPath, ...leading] = options.command;
      // In its own process group, so that Ctrl-C reaches the runner alone, which then asks the trainer in order.
      const child = spawn(program, [...leading, 'run', '--stage', options.file], {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
      return new AttemptProcess(options, child);
    } finally {
      await log.close();
    }
  }

  private constructor(options: AttemptOptions, child: ChildProcess) {
    this.options = options;
    this.child = child;
    this.rolloutWorkers = options.rolloutWorkers && new RolloutProcesses(options.rolloutWorkers);
    this.follower = new LogFollower(options.log, (line) => {
      this.progress = line;
      this.heardAt = performance.now();
      options.onProgress(line);
    });
    this.follower.start(200);
    this.ended = new Promise<AttemptExit>((resolve) => {
      child.once('error', (error) => resolve({ detail: `cannot start the trainer: ${error.message}` }));
      child.once('exit', (code, signal) =>
        resolve({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }),
      );
    }).then((exit) => this.finish(exit));
  }

  observe(): AttemptObserved {
    const { progress, stopping } = this;
    return {
      number: this.options.number,
      state: this.end === undefined ? 'running' : 'ended',
      startedAt: this.startedAt,
      gpus: 0,
      ...(progress === undefined ? {} : { progress }),
      silentMs: performance.now() - this.heardAt,
      ...(stopping === undefined ? {} : { stopping }),
      ...this.end,
    };
  }

  /** Asks the trainer to save and end. */
  stop(reason: StopReason): void {
    if (this.stopping !== undefined || this.end !== undefined) return;
    this.stopping = reason;
    if (this.child.pid !== undefined) send(this.child.pid, 'SIGTERM');
    this.killTimer = setTimeout(() => this.kill(), this.options.graceMs ?? defaultGraceMs[reason]);
  }

  /** Ends the trainer and whatever it started at once. */
  kill(): void {
    if (this.child.pid !== undefined && this.end === undefined) send(-this.child.pid, 'SIGKILL');
    this.rolloutWorkers?.kill();
  }

  private async finish(exit: AttemptExit): Promise<void> {
    clearTimeout(this.killTimer);
    if (this.child.pid !== undefined) send(-this.child.pid, 'SIGKILL'); // helpers that it left behind
    await this.rolloutWorkers?.end();
    await this.follower.finish();
    const detail = exit.detail ?? this.follower.lastWords;
    const outOfMemory = exit.code !== 0 && outOfMemoryWords.test(this.follower.tail);
    this.end = {
      endedAt: Date.now(),
      exit: { ...exit, ...(detail === '' ? {} : { detail }), ...(outOfMemory ? { cause: 'outOfMemory' } : {}) },
      ...(await readOutcome(this.options.out)),
    };
    this.options.onEnd();
  }
}

/**
 * What a trainer left in its stage's directory: its result, with the checkpoint's path relative to that directory,
 * and why the checkpoint cannot be used. A result cut short by a crash is none.
 */
export async function readOutcome(out: string): Promise<{ result?: StageResult; checkpointProblem?: string }> {
  const result = await readResult(out);
  if (result === undefined) return {};
  const { checkpoint } = result;
  if (checkpoint === undefined || result.outcome !== 'succeeded') return { result };
  const path = isAbsolute(checkpoint.path) ? relative(out, checkpoint.path) : checkpoint.path;
  const placed = { ...result, checkpoint: { ...checkpoint, path } };
  if (path.startsWith('..')) return { result: placed, checkpointProblem: `${checkpoint.path}: lies outside ${out}` };
  const problem = await checkpointProblem(join(out, path), checkpoint.digest);
  return problem === undefined ? { result: placed } : { result: placed, checkpointProblem: problem };
}

async function readResult(out: string): Promise<StageResult | undefined> {
  try {
    return stageResult.parse(JSON.parse(await readFile(join(out, resultName), 'utf8')));
  } catch {
    return undefined;
  }
}
