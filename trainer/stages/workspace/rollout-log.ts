import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../checkpoint/names-in.ts';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { soleWriter, type Writer } from '../../contract/files/directory-lock.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';

export interface KeptRollouts {
  /** The oldest are removed beyond so many. */
  readonly rollouts: number;
  /** And beyond this size of all together; the newest stays whatever its size. */
  readonly bytes: number;
}

const pattern = /^step-(\d{6,})\.jsonl$/;

/**
 * All completions of the newest rollouts, a file of JSON lines each, named after the rollout's first step.
 *
 * What is kept follows from the sizes of the newest rollouts alone. So a stage that went on from an earlier step ends with
 * the same files as one that never stopped.
 */
export class RolloutLog {
  private readonly directory: string;
  private readonly writer: Writer;

  constructor(directory: string, writer: Writer = soleWriter) {
    this.directory = directory;
    this.writer = writer;
  }

  /** @param step the first that learns from the rollout, counted from 1 */
  async write(step: number, lines: readonly object[], kept: KeptRollouts): Promise<void> {
    await makeWithin(this.directory);
    await replaceFile(this.path(step), jsonLines(lines), this.writer);
    await this.prune(kept);
  }

  /** Forgets rollouts that begin after `step`. */
  async rewind(step: number): Promise<void> {
    for (const each of await this.steps()) if (each > step) await rm(this.path(each));
  }

  private async prune({ rollouts, bytes }: KeptRollouts): Promise<void> {
    let total = 0;
    for (const [age, step] of (await this.steps()).toReversed().entries()) {
      const path = this.path(step);
      total += (await stat(path)).size;
      if (age > 0 && (age >= rollouts || total > bytes)) await rm(path);
    }
  }

  private path(step: number): string {
    return join(this.directory, `step-${String(step).padStart(6, '0')}.jsonl`);
  }

  /** Of the rollouts that are there, ascending. */
  private async steps(): Promise<number[]> {
    return (await namesIn(this.directory))
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }
}

/** One at a time: a rollout can be longer than the longest string. */
function* jsonLines(lines: readonly object[]): Generator<string> {
  for (const line of lines) yield `${JSON.stringify(line)}\n`;
}
