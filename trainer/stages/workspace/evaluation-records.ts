import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { evaluationsName } from '../../contract/files/checkpoint.ts';
import type { Writer } from '../../contract/files/directory-lock.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { Metrics } from './metrics.ts';
import { sample, type Sample } from './stage-log.ts';

export interface Evaluation {
  readonly metrics: Metrics;
  /** For the report. */
  readonly samples: readonly Sample[];
}

const record = z.object({ metrics: z.record(z.string(), z.number()), samples: z.array(sample) });

/**
 * The figures of a model, measured in one way, are the same whoever measures them: each is on file in `evaluations/` under
 * the digest of both, beside the checkpoints whose digests do not depend on it.
 */
export class EvaluationRecords {
  private readonly own: string;
  private readonly directories: readonly string[];
  private readonly writer: Writer;

  constructor({ out, model }: StageFile, writer: Writer) {
    this.writer = writer;
    this.own = join(out, evaluationsName);
    // Before its first step a stage has the model that the one before it has measured after its last.
    this.directories = [this.own, ...(model?.input ? [join(dirname(model.input.path), evaluationsName)] : [])];
  }

  /**
   * What is on file of a model, or is measured now.
   *
   * @param model digest of the model
   * @param how digest of the way to measure it
   */
  async of(model: string, how: string, measure: () => Promise<Evaluation>): Promise<Evaluation> {
    const name = `${createHash('sha256').update(`${model} ${how}`).digest('hex').slice(0, 16)}.json`;
    for (const directory of this.directories) {
      const known = await read(join(directory, name));
      if (known) return known;
    }
    const { metrics, samples } = await measure();
    const measured = { metrics, samples };
    await makeWithin(this.own);
    await replaceFile(join(this.own, name), `${JSON.stringify(measured, undefined, 2)}\n`, this.writer);
    return measured;
  }
}

async function read(path: string): Promise<Evaluation | undefined> {
  try {
    return record.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined; // none yet, or one that is not whole: it is measured again
  }
}
