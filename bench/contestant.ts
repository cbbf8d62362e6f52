import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { MemorySampler } from './memory.ts';
import type { CheckAnswer, Command, Ready, Round } from './messages.ts';

/** One side of a benchmark: a child process that works when told to and waits, idle, when not. */
export class Contestant {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;
  private readonly memory: MemorySampler;
  private output = '';

  private constructor(program: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data: Buffer) => (this.output = (this.output + data.toString()).slice(-4000)));
    }
    const failed = new Promise<never>((_, reject) => this.child.once('error', reject));
    failed.catch(() => {}); // reported by the answer that then never comes
    const lines = createInterface({ input: this.child.stdio[3] as Readable })[Symbol.asyncIterator]();
    this.answers = { next: () => Promise.race([lines.next(), failed]) };
    this.memory = new MemorySampler(this.child.pid ?? 0);
  }

  /** Starts a program of one side; `threads` also goes to the libraries that read it from the environment. */
  static async start(
    program: string,
    args: readonly string[],
    threads: number,
  ): Promise<{ contestant: Contestant; ready: Ready }> {
    const contestant = new Contestant(program, args, {
      OMP_NUM_THREADS: String(threads),
      MKL_NUM_THREADS: String(threads),
      TOKENIZERS_PARALLELISM: 'false',
      HF_HUB_OFFLINE: '1',
    });
    return { contestant, ready: await contestant.answer<Ready>() };
  }

  check(peer?: CheckAnswer): Promise<CheckAnswer> {
    return this.ask({ command: 'check', ...(peer && { peer }) });
  }

  round(times: number): Promise<Round> {
    return this.ask({ command: 'round', times });
  }

  /** Highest resident memory of the process and its children so far. */
  get peakBytes(): number {
    return this.memory.peakBytes;
  }

  async stop(): Promise<void> {
    this.memory.stop();
    this.child.stdin?.end();
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) return;
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await new Promise((resolve) => this.child.once('exit', resolve));
    clearTimeout(kill);
  }

  private ask<Answer>(command: Command): Promise<Answer> {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
    return this.answer();
  }

  private async answer<Answer>(): Promise<Answer> {
    const { value, done } = await this.answers.next();
    if (done)
      throw new Error(`${this.child.spawnargs.join(' ')} ended without an answer; its last output:\n${this.output}`);
    return JSON.parse(value) as Answer;
  }
}
