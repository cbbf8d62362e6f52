import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const metricsLine = z.looseObject({ step: z.number() });

const sampleLine = z.object({
  step: z.number(),
  dataset: z.string().optional(),
  prompt: z.string(),
  completion: z.string(),
  opening: z.string().optional(),
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
 * Samples of the first and of the last step in `samples.jsonl`, at most `count` each, so that a long run's file is read
 * with flat memory. `first` is empty when there is only one step.
 */
export async function readSamples(
  path: string,
  count: number,
): Promise<{ readonly first: SampleLine[]; readonly last: SampleLine[] }> {
  const first: SampleLine[] = [];
  let last: SampleLine[] = [];
  let firstStep: number | undefined;
  for await (const value of jsonLines(path)) {
    const { data: line } = sampleLine.safeParse(value);
    if (!line) continue;
    firstStep ??= line.step;
    if (line.step !== last[0]?.step) last = [];
    for (const kept of line.step === firstStep ? [first, last] : [last]) if (kept.length < count) kept.push(line);
  }
  return { first: last[0]?.step === firstStep ? [] : first, last };
}

/** Values of the lines that are JSON; the last line of a running or killed stage may be cut off. */
export async function* jsonLines(path: string): AsyncGenerator {
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
