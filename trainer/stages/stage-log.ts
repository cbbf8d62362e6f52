import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { metricsName, samplesName } from '../contract/checkpoint.ts';
import type { Metrics } from './metrics.ts';

/** A sample response for the report. */
export interface Sample {
  readonly dataset: string;
  readonly prompt: string;
  /** The whole response. */
  readonly completion: string;
  /** What of it the prompt already had. */
  readonly opening?: string;
  readonly reward?: number;
  readonly scores?: Readonly<Record<string, number | undefined>>;
  readonly gold?: string;
}

/** The part of a sample that tells what the model wrote, and from where on it is the model's. */
export function shownCompletion(
  completion: { readonly text: string; readonly opening: string } | undefined,
): Pick<Sample, 'completion' | 'opening'> {
  const { text = '', opening = '' } = completion ?? {};
  return { completion: text, ...(opening !== '' && { opening }) };
}

/** `metrics.jsonl` and `samples.jsonl` of a stage's directory, a line a step and a line a completion. */
export class StageLog {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async metrics(step: number, metrics: Metrics): Promise<void> {
    const line = JSON.stringify({ step, time: new Date().toISOString(), ...metrics });
    await appendFile(join(this.directory, metricsName), `${line}\n`);
  }

  async samples(step: number, samples: readonly Sample[]): Promise<void> {
    const lines = samples.map((sample) => `${JSON.stringify({ step, ...sample })}\n`);
    await appendFile(join(this.directory, samplesName), lines.join(''));
  }

  /** Forgets lines after `step`: they belong to work that is about to be done again. */
  async rewind(step: number): Promise<void> {
    for (const name of [metricsName, samplesName]) {
      const path = join(this.directory, name);
      const text = await readFile(path, 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => isAtMost(line, step));
      const kept = lines.map((line) => `${line}\n`).join('');
      if (kept !== text) await replaceFile(path, kept);
    }
  }
}

/** A line cut by a crash does not parse and is dropped. */
function isAtMost(line: string, step: number): boolean {
  try {
    return (JSON.parse(line) as { step: number }).step <= step;
  } catch {
    return false;
  }
}
