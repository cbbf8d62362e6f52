import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { DiskFullError, UserError } from '../../trainer/contract/errors.ts';
import { r1Pipeline, type R1Pipeline } from '../api/pipeline.ts';
import { r1Stage, type R1Stage } from '../api/stage.ts';

/**
 * Where a pipeline keeps what it knows and makes:
 *
 *   <state>/<pipeline>/
 *     pipeline.json                   the R1Pipeline with its status
 *     run.lock                        held by the process that runs it
 *     stages/<stage>.json             the R1Stage with its status
 *     files/<stage>.attempt-<n>.json  what the trainer was told
 *     logs/<stage>.attempt-<n>.log    what it said, stdout and stderr
 *     volume/<stage>/                 its own directory: checkpoints, data, metrics, result.json
 */
export class StateDirectory {
  readonly root: string;

  constructor(stateDir: string, pipeline: string) {
    this.root = join(stateDir, pipeline);
  }

  get lock(): string {
    return join(this.root, 'run.lock');
  }

  /** Starts every path of a stage file; running trainers are found by it. */
  get files(): string {
    return join(this.root, 'files');
  }

  file(stage: string, attempt: number): string {
    return join(this.files, `${stage}.attempt-${attempt}.json`);
  }

  log(stage: string, attempt: number): string {
    return join(this.root, 'logs', `${stage}.attempt-${attempt}.log`);
  }

  volume(stage: string): string {
    return join(this.root, 'volume', stage);
  }

  readPipeline(): Promise<R1Pipeline | undefined> {
    return readResource(join(this.root, 'pipeline.json'), r1Pipeline);
  }

  writePipeline(pipeline: R1Pipeline): Promise<void> {
    return writeJson(join(this.root, 'pipeline.json'), pipeline);
  }

  readStage(stage: string): Promise<R1Stage | undefined> {
    return readResource(join(this.root, 'stages', `${stage}.json`), r1Stage);
  }

  writeStage(stage: R1Stage): Promise<void> {
    return writeJson(join(this.root, 'stages', `${stage.spec.stage}.json`), stage);
  }

  /** The number of the newest attempt that was begun; 0 if none was. */
  async newestAttempt(stage: string): Promise<number> {
    const names = await readdir(this.files).catch(noneIfMissing);
    const prefix = `${stage}.attempt-`;
    const numbers = names
      .filter((name) => name.startsWith(prefix))
      .map((name) => Number.parseInt(name.slice(prefix.length), 10));
    return Math.max(0, ...numbers.filter((number) => Number.isInteger(number)));
  }

  /** Removes everything about a stage. Its status goes first, so that a crash leaves no finished stage without its work. */
  async removeStage(stage: string): Promise<void> {
    await rm(join(this.root, 'stages', `${stage}.json`), { force: true });
    await rm(this.volume(stage), { recursive: true, force: true });
    for (const directory of [this.files, join(this.root, 'logs')]) {
      const names = await readdir(directory).catch(noneIfMissing);
      for (const name of names)
        if (name.startsWith(`${stage}.attempt-`)) await rm(join(directory, name), { force: true });
    }
  }
}

/**
 * Writes a file so that a reader, or a crash, sees the old content or the new one.
 *
 * @throws DiskFullError after removing what was half-written
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(partial, 'w');
    try {
      await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
    throw new DiskFullError(`${path}: no space left to write it; make some and run the pipeline again`, { cause });
  }
}

async function readResource<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError(
      `${path}: found something else than the state of a run by this version; move its directory away`,
      {
        cause,
      },
    );
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
