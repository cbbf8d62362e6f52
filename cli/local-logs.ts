import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../trainer/contract/process/errors.ts';
import { pipelineDirectory, readPipeline, readState, requireStage } from './state.ts';

export interface LocalLogsOptions {
  readonly state: string;
  readonly follow: boolean;
  readonly attempt?: number;
}

const pollMs = 300;

/**
 * Lines of one attempt; when following, of the attempts after it as well.
 *
 * @throws UserError when there is no such pipeline, stage or attempt
 */
export async function* localLogs(pipeline: string, stage: string, options: LocalLogsOptions): AsyncGenerator<string> {
  requireStage(await readPipeline(options.state, pipeline), stage);
  const directory = join(pipelineDirectory(options.state, pipeline), 'logs');
  let attempt = options.attempt ?? (await newestAttempt(directory, stage));
  let tail = new Tail(pathOf(directory, stage, attempt ?? 1));
  if (attempt === undefined && !options.follow) {
    throw new UserError(`stage ${stage} of ${pipeline} has no log yet; it has not started`);
  }
  for (;;) {
    // Looked up before reading: what is written in between is read now or in the next round.
    const ended = !options.follow || (await hasEnded(options.state, pipeline, stage));
    const newest = options.attempt ?? (await newestAttempt(directory, stage));
    const fresh = await tail.read();
    if (fresh === undefined && options.attempt !== undefined && !options.follow) {
      throw new UserError(`stage ${stage} of ${pipeline} has no attempt ${options.attempt}`);
    }
    yield* fresh ?? [];
    if (newest !== undefined && newest !== (attempt ?? 1)) {
      yield* tail.rest();
      attempt = newest;
      tail = new Tail(pathOf(directory, stage, attempt));
      continue;
    }
    attempt = newest;
    if (ended) {
      yield* tail.rest();
      return;
    }
    await sleep(pollMs);
  }
}

/** Reads what was added to a file, in whole lines. */
class Tail {
  readonly #path: string;
  #position = 0;
  #decoder = new TextDecoder();
  #unfinished = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns the lines added since the last call; undefined when there is no file */
  async read(): Promise<string[] | undefined> {
    const file = await open(this.#path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!file) return undefined;
    await using _ = file;
    const chunk = Buffer.alloc(64 * 1024);
    const added: string[] = [];
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, this.#position);
      if (bytesRead === 0) return added;
      this.#position += bytesRead;
      const text = this.#unfinished + this.#decoder.decode(chunk.subarray(0, bytesRead), { stream: true });
      const parts = text.split('\n');
      this.#unfinished = parts.pop() ?? '';
      added.push(...parts);
    }
  }

  /** The last line, if it has no end. */
  rest(): string[] {
    return this.#unfinished === '' ? [] : [this.#unfinished];
  }
}

async function newestAttempt(directory: string, stage: string): Promise<number | undefined> {
  const names = await readdir(directory).catch(() => []);
  const attempts = names.flatMap((name) => {
    const number = name.startsWith(`${stage}.attempt-`) ? /^\d+(?=\.log$)/.exec(name.slice(stage.length + 9)) : null;
    return number ? [Number(number[0])] : [];
  });
  return attempts.length > 0 ? Math.max(...attempts) : undefined;
}

async function hasEnded(stateDirectory: string, name: string, stage: string): Promise<boolean> {
  const { pipeline, stages } = await readState(stateDirectory, name);
  const found = stages.find(({ spec }) => spec.stage === stage);
  return isFinal(found?.status?.conditions) || isFinal(pipeline.status?.conditions);
}

function isFinal(conditions: readonly { type: string; status: string }[] = []): boolean {
  return conditions.some(({ type, status }) => type === 'Succeeded' && status !== 'Unknown');
}

function pathOf(directory: string, stage: string, attempt: number): string {
  return join(directory, `${stage}.attempt-${attempt}.log`);
}
