import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes } from '../../trainer/contract/process/exit-codes.ts';
import { makeDirectory } from '../../trainer/contract/files/make-directory.ts';
import type { StageFile } from '../../trainer/contract/settings/stage-file.ts';
import { send } from './orphans.ts';

const loopback = '127.0.0.1';

/** A worker whose learner and runner are both gone ends by itself after this many seconds. */
const patienceSeconds = 60;

const leastRestartMs = 500;
const mostRestartMs = 30_000;
const graceMs = 2000;

/** A port of this machine for the learner of an attempt, and a fresh secret that nobody else may read. */
export async function prepareRollout(tokenFile: string): Promise<NonNullable<StageFile['rollout']>> {
  await makeDirectory(dirname(tokenFile));
  await rm(tokenFile, { force: true }); // an old one would keep its mode
  await writeFile(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  const server = createServer().listen(0, loopback);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host: loopback, port, tokenFile };
}

export interface RolloutProcessesOptions {
  /** The trainer and its leading arguments. */
  readonly command: readonly string[];
  readonly count: number;
  readonly rollout: NonNullable<StageFile['rollout']>;
  /** As the learner is told. */
  readonly device?: StageFile['device'];
  /** Path of the log of each, from 1. */
  readonly log: (worker: number) => string;
}

/** Rollout workers of one attempt as child processes, each with one thread; one that dies is started again. */
export class RolloutProcesses {
  private readonly options: RolloutProcessesOptions;
  private readonly ending = new AbortController();
  private readonly children = new Set<ChildProcess>();
  private readonly kept: Promise<unknown>;

  constructor(options: RolloutProcessesOptions) {
    this.options = options;
    this.kept = Promise.all(Array.from({ length: options.count }, (_, index) => this.keep(index + 1)));
  }

  /** Settles when all are gone and the secret is removed. */
  async end(): Promise<void> {
    this.ending.abort();
    for (const { pid } of this.children) if (pid !== undefined) send(pid, 'SIGTERM');
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.kept;
    clearTimeout(timer);
    await rm(this.options.rollout.tokenFile, { force: true });
  }

  kill(): void {
    for (const { pid } of this.children) if (pid !== undefined) send(-pid, 'SIGKILL');
  }

  /** Runs one worker until the stage is done, again and again if need be. */
  private async keep(worker: number): Promise<void> {
    const { signal } = this.ending;
    for (let waitMs = leastRestartMs; !signal.aborted; waitMs = Math.min(2 * waitMs, mostRestartMs)) {
      const code = await this.run(this.options.log(worker));
      if (code === exitCodes.succeeded || code === exitCodes.userError) return; // it would end the same way
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async run(path: string): Promise<number | null> {
    await makeDirectory(dirname(path));
    await using log = await open(path, 'a');
    if (this.ending.signal.aborted) return null;
    const { command, rollout, device } = this.options;
    const [program = process.execPath, ...leading] = command;
    const learner = ['--learner', `http://${loopback}:${rollout.port}`, '--token-file', rollout.tokenFile];
    const place = device === undefined ? [] : ['--device', device];
    const args = [...leading, 'rollout', ...learner, ...place, '--workers', '1', '--patience', String(patienceSeconds)];
    // In its own process group, so that Ctrl-C reaches the runner alone.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
    this.children.add(child);
    const code = await new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', resolve);
    });
    this.children.delete(child);
    return code;
  }
}
