import { type ChildProcess, spawn } from 'node:child_process';
import { UserError } from '../../contract/process/errors.ts';
import { channels } from './channel.ts';
import type { SandboxProgram } from '../runners/confinement.ts';
import type { Answer, Order, Sample, Source } from './protocol.ts';
import type { Score } from '../score.ts';

/** To start the interpreter and read the file, on a machine that is busy. */
const loadMs = 60_000;

/** What ended the process before it answered. */
interface Lost {
  readonly because: 'timeout' | 'error';
  readonly message: string;
}

interface StartedSandbox {
  readonly process: SandboxProcess;
  readonly exports: 'grade' | 'gradeBatch';
  /** Columns of the data that the function cannot be called without. */
  readonly columns: readonly string[];
}

/** One process with a reward of one's own. After it has lost a completion it has ended, and another takes its place. */
export class SandboxProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Lost>;
  readonly #send: (order: Order) => void;
  #hear: ((answer: Answer) => void) | undefined;

  private constructor({ command: [command, ...args], environment, channel, memoryMiB }: SandboxProgram) {
    const { stdio, open } = channels[channel];
    this.#child = spawn(command, args, { stdio: [...stdio], env: environment, detached: true });
    this.#send = open(this.#child, (answer) => this.#hear?.(answer));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve({ because: 'error', message: error.message }));
      this.#child.once('exit', (code, signal) => {
        this.#endGroup();
        const how = signal === null ? `code ${code}` : `signal ${signal}`;
        const memory =
          signal === 'SIGABRT' || signal === 'SIGTRAP' || code === 134 ? `: it took more than ${memoryMiB} MiB` : '';
        resolve({ because: 'error', message: `its process ended with ${how}${memory}` });
      });
    });
  }

  /** @throws UserError with the file and what is wrong with it */
  static async start(file: string, source: Source, program: SandboxProgram): Promise<StartedSandbox> {
    const process = new SandboxProcess(program);
    let answer: Answer | undefined;
    const lost = await process.#exchange(source, loadMs, (given) => {
      answer = given;
      return true;
    });
    if (answer && 'loaded' in answer) return { process, exports: answer.loaded, columns: answer.columns ?? [] };
    process.close();
    const refused = answer && 'refused' in answer ? answer.refused : undefined;
    throw new UserError(`${file}: ${refused ?? `could not be loaded: ${lost?.message}`}`);
  }

  /**
   * Has samples scored, in their order, as far as it comes.
   *
   * @param timeoutMs longest time between two answers
   * @returns what kept it from scoring the rest; nothing if it scored all
   */
  score(samples: readonly Sample[], timeoutMs: number, found: (score: Score) => void): Promise<Lost | undefined> {
    let left = samples.length;
    return this.#exchange({ samples }, timeoutMs, (answer) => {
      if (!('scores' in answer)) return false;
      answer.scores.forEach(found);
      left -= answer.scores.length;
      return left <= 0;
    });
  }

  close(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#endGroup();
  }

  /** With it goes what it has started. */
  #endGroup(): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // There is nobody left.
    }
  }

  /** Gives an order and hears answers until they are enough, or nothing more comes. */
  #exchange(order: Order, timeoutMs: number, enough: (answer: Answer) => boolean): Promise<Lost | undefined> {
    return new Promise((resolve) => {
      let isOver = false;
      const finish = (lost?: Lost): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        if (lost) this.close();
        resolve(lost);
      };
      let heard = 0;
      // Where this process itself was held up, the answer may be there and not yet be read: it is read first.
      const timer = setTimeout(() => {
        const before = heard;
        setTimeout(() => {
          if (heard === before) finish({ because: 'timeout', message: `it took more than ${timeoutMs / 1000} s` });
        }, 1);
      }, timeoutMs);
      this.#hear = (answer) => {
        heard++;
        timer.refresh();
        if (!isOver && enough(answer)) finish();
      };
      void this.#ended.then(finish);
      this.#send(order);
    });
  }
}
