import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const metricsLine = z.looseObject({ step: z.number() });

const sampleLine = z.object({
  step: z.number(),
  dataset: z.string().optional(),
  prompt: z.string(),
  completion: z.string(),
  reward: z.number().nullish(),
  scores: z.record(z.string(), z.number().nullable()).optional(),
  gold: z.string().optional(),
});
export type SampleLine = z.infer<typeof sampleLine>;

/** Metric name → its values over the steps, in the order written. */
export type Series = ReadonlyMap<string, { readonly steps: number[]; readonly values: number[] }>;

/** Reads `metrics.jsonl`: `{step, time, ...metrics}` a line. A missing file is a stage without metrics. */
export async function readSeries(path: string): Promise<Series> {
  const series = new Map<string, { steps: number[]; values: number[] }>();
  for await (const value of jsonLines(path)) {
    const line = metricsLine.safeParse(value);
    if (!line.success) continue;
    for (const [name, metric] of Object.entries(line.data)) {
      if (name === 'step' || name === 'time' || typeof metric !== 'number') continue;
      const curve = series.get(name) ?? { steps: [], values: [] };
      curve.steps.push(line.data.step);
      curve.values.push(metric);
      series.set(name, curve);
    }
  }
  return series;
}

/**
 * The first and the last `count` samples of `samples.jsonl`, so that a long run's file is read with flat memory. A file
 * with fewer lines gives each sample once.
 */
export async function readSamples(
  path: string,
  count: number,
): Promise<{ readonly first: SampleLine[]; readonly last: SampleLine[] }> {
  const first: SampleLine[] = [];
  const last: SampleLine[] = [];
  for await (const value of jsonLines(path)) {
    const line = sampleLine.safeParse(value);
    if (!line.success) continue;
    if (first.length < count) first.push(line.data);
    else {
      last.push(line.data);
      if (last.length > count) last.shift();
    }
  }
  return { first, last };
}

/** Values of the lines that are JSON; the last line of a running or killed stage may be cut off. */
async function* jsonLines(path: string): AsyncGenerator {
  const input = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      try {
        yield JSON.parse(line);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    input.destroy();
  }
}
