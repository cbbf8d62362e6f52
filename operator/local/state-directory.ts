import { access, constants, open, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { foundInstead } from '../../trainer/contract/process/found-instead.ts';
import { isDiskFull, namingFullDisk } from '../../trainer/contract/process/full-disk.ts';
import { makeDirectory } from '../../trainer/contract/files/make-directory.ts';
import { r1Pipeline, type R1Pipeline } from '../api/resources/pipeline.ts';
import { r1Stage, type R1Stage } from '../api/resources/stage.ts';
import type { Approval } from '../core/pipeline/approval.ts';

/**
 * Where a pipeline keeps what it knows and makes:
 *
 *   <state>/<pipeline>/
 *     pipeline.json                   the R1Pipeline with its status
 *     run.lock/                       held by the process that runs it
 *     stages/<stage>.json             the R1Stage with its status
 *     contents.json                   digests of large data files
 *     approved/<stage>                a person has approved its gate, and who
 *     files/<stage>.attempt-<n>.json  what the trainer was told
 *     files/<stage>.attempt-<n>.token shared with its rollout workers, while it runs
 *     logs/<stage>.attempt-<n>.log    what it said, stdout and stderr; …<n>.rollout-<i>.log: what its rollout workers said
 *     volume/<stage>/                 its own directory: checkpoints, data, metrics, result.json
 */
export class StateDirectory {
  readonly root: string;

  constructor(stateDir: string, pipeline: string) {
    this.root = join(stateDir, pipeline);
  }

  /**
   * Makes the directory of a pipeline where there is none.
   *
   * @throws UserError when that is not possible
   */
  static async make(stateDir: string, pipeline: string): Promise<StateDirectory> {
    try {
      await makeDirectory(resolve(stateDir));
      await access(stateDir, constants.W_OK);
      // One spelling of the path: running trainers are recognised by it.
      const state = new StateDirectory(await realpath(stateDir), pipeline);
      await makeDirectory(state.root);
      await access(state.root, constants.W_OK);
      return state;
    } catch (cause) {
      if (isDiskFull(cause)) throw cause;
      const { message } = cause as Error;
      throw new UserError(`${stateDir}: found ${message}; expected a directory for the state that you may write to`, {
        cause,
      });
    }
  }

  get lock(): string {
    return join(this.root, 'run.lock');
  }

  /** Digests of large data files. */
  get contents(): string {
    return join(this.root, 'contents.json');
  }

  /** Starts every path of a stage file; running trainers are found by it. */
  get files(): string {
    return join(this.root, 'files');
  }

  file(stage: string, attempt: number): string {
    return join(this.files, `${stage}.attempt-${attempt}.json`);
  }

  /** The secret of an attempt's learner and its rollout workers, while it runs. */
  token(stage: string, attempt: number): string {
    return join(this.files, `${stage}.attempt-${attempt}.token`);
  }

  /** @param worker from 1 */
  rolloutLog(stage: string, attempt: number, worker: number): string {
    return join(this.root, 'logs', `${stage}.attempt-${attempt}.rollout-${worker}.log`);
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

  /** Beside the pipeline's own file, which belongs to whoever runs it. */
  approve(stage: string, approval: Approval): Promise<void> {
    return writeJson(join(this.approvals, stage), approval);
  }

  /** By stages whose gate a person has approved. */
  async approved(): Promise<ReadonlyMap<string, Approval>> {
    const names = await readdir(this.approvals).catch(noneIfMissing);
    const stages = names.filter((name) => !name.endsWith('.partial'));
    const read = async (stage: string) => JSON.parse(await readFile(join(this.approvals, stage), 'utf8')) as Approval;
    return new Map(await Promise.all(stages.map(async (stage) => [stage, await read(stage)] as const)));
  }

  private get approvals(): string {
    return join(this.root, 'approved');
  }

  /** The number of the newest attempt that was begun; 0 if none was. */
  async newestAttempt(stage: string): Promise<number> {
    const names = await readdir(this.files).catch(noneIfMissing);
    const prefix = `${stage}.attempt-`;
    const numbers = names
      .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
      .map((name) => Number.parseInt(name.slice(prefix.length), 10));
    return Math.max(0, ...numbers.filter((number) => Number.isInteger(number)));
  }

  /** Removes everything about a stage. Its status goes first, so that a crash leaves no finished stage without its work. */
  async removeStage(stage: string): Promise<void> {
    await rm(join(this.root, 'stages', `${stage}.json`), { force: true });
    await rm(join(this.approvals, stage), { force: true }); // what was approved is made anew
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
    await namingFullDisk(path, undefined, async () => {
      await makeDirectory(dirname(path));
      await using file = await open(partial, 'w');
      await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
      await file.sync();
      await rename(partial, path);
    });
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function readResource<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`${path}: found ${foundInstead(error)}, expected the state of a run`, { cause: error });
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
