import { extname, basename } from 'node:path';
import { InterruptedError, UserError } from '../../contract/process/errors.ts';
import { readInputText } from '../../contract/files/input-file.ts';
import {
  pyodide,
  type RewardModuleSettings,
  type RewardPythonSettings,
} from '../../contract/settings/own-functions.ts';
import { nodeSandbox } from '../runners/confinement.ts';
import type { Sample, Source } from './protocol.ts';
import type { Score } from '../score.ts';
import { pyodideSandbox } from './pyodide.ts';
import { pythonSandbox } from './python-sandbox.ts';
import { SandboxProcess } from './sandbox-process.ts';

const mostBytes = 1 << 20;
const typed = ['.ts', '.mts'];
const untyped = ['.js', '.mjs'];

/** After so many lost processes in one rollout the rest of it is not tried: a rollout ends, whatever the function does. */
const mostLost = 3;

export type ModuleFile = Pick<RewardModuleSettings, 'file' | 'timeoutSeconds' | 'memoryMiB'>;
export type PythonFile = Omit<RewardPythonSettings, 'weight' | 'domains'>;

type Start = () => ReturnType<typeof SandboxProcess.start>;

/** A reward of one's own, ready to score. */
export class RewardModule {
  readonly #start: Start;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #columns: readonly string[] = [];
  #running: Awaited<ReturnType<Start>> | undefined;

  private constructor(start: Start, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#start = start;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /**
   * Reads the file once: what was loaded first is what scores to the end.
   *
   * @param signal ends a rollout that is being scored with an InterruptedError
   * @throws UserError with the file, and what of it is missing or wrong in which line
   */
  static async open({ file, timeoutSeconds, memoryMiB }: ModuleFile, signal?: AbortSignal): Promise<RewardModule> {
    const source = await sourceOf(file, [...typed, ...untyped], 'TypeScript or JavaScript');
    const loaded: Source = { source, name: basename(file), strip: typed.includes(extname(file)) };
    const start = () => SandboxProcess.start(file, loaded, nodeSandbox(memoryMiB));
    return RewardModule.#started(start, timeoutSeconds, signal);
  }

  /** The same of a file in Python, by Pyodide or by an interpreter of this machine. */
  static async openPython(settings: PythonFile, signal?: AbortSignal): Promise<RewardModule> {
    const { file, function: wanted, timeoutSeconds } = settings;
    const source = await sourceOf(file, ['.py'], 'Python');
    const loaded: Source = { source, name: basename(file), ...(wanted !== undefined && { function: wanted }) };
    const program = settings.interpreter === pyodide ? pyodideSandbox(settings) : pythonSandbox(settings);
    return RewardModule.#started(() => SandboxProcess.start(file, loaded, program), timeoutSeconds, signal);
  }

  static async #started(start: Start, timeoutSeconds: number, signal?: AbortSignal): Promise<RewardModule> {
    const module = new RewardModule(start, timeoutSeconds * 1000, signal);
    module.#running = await start();
    module.#columns = module.#running.columns;
    return module;
  }

  /** Columns of the data that the function cannot be called without. */
  get columns(): readonly string[] {
    return this.#columns;
  }

  /** A score for each sample, in their order. */
  async score(samples: readonly Sample[]): Promise<readonly Score[]> {
    const scores: Score[] = [];
    const stop = (): void => this.close();
    this.#signal?.addEventListener('abort', stop);
    try {
      for (let losses = 1; scores.length < samples.length; losses++) {
        // oxlint-disable-next-line no-await-in-loop -- the next process goes on where the last one was lost
        const { process, exports } = (this.#running ??= await this.#start());
        const rest = samples.slice(scores.length);
        // oxlint-disable-next-line no-await-in-loop -- as above
        const lost = await process.score(rest, this.#timeoutMs, (score) => scores.push(score));
        if (this.#signal?.aborted) throw new InterruptedError('asked to stop while a reward was computed');
        if (lost === undefined) break;
        this.#running = undefined;
        const isWhole = exports === 'gradeBatch' || losses === mostLost;
        const unscored = isWhole ? samples.length - scores.length : 1;
        for (let each = 0; each < unscored; each++) scores.push(lost);
      }
      return scores;
    } finally {
      this.#signal?.removeEventListener('abort', stop);
    }
  }

  close(): void {
    this.#running?.process.close();
  }
}

async function sourceOf(file: string, endings: readonly string[], language: string): Promise<string> {
  if (!endings.includes(extname(file))) {
    throw new UserError(`${file}: is no ${language} file; expected one whose name ends in ${endings.join(', ')}`);
  }
  const source = await readInputText(file, mostBytes);
  if (source === undefined) throw new UserError(`${file}: found nothing, expected a ${language} file`);
  return source;
}
