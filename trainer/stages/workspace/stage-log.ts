import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { metricsName, rolloutsName, samplesName } from '../../contract/files/checkpoint.ts';
import type { Message } from '../../contract/settings/dataset.ts';
import { soleWriter, type Writer } from '../../contract/files/directory-lock.ts';
import type { Metrics } from './metrics.ts';
import { RolloutLog } from './rollout-log.ts';

/** A sample response for the report. */
export const sample = z.object({
  from: z.enum(['rollout', 'evaluation']),
  dataset: z.string(),
  prompt: z.string(),
  /** The whole response. */
  completion: z.string(),
  /** What of it the prompt already had. */
  opening: z.string().optional(),
  reward: z.number().optional(),
  scores: z.record(z.string(), z.number().optional()).optional(),
  gold: z.string().optional(),
});
export type Sample = Readonly<z.infer<typeof sample>>;

/** What of a completion is shown. */
interface Shown {
  readonly text: string;
  readonly opening: string;
  readonly messages?: readonly Message[] | undefined;
}

/** The part of a sample that tells what the model wrote, and from where on it is the model's; of several turns also what it was told. */
export function shownCompletion(completion: Shown | undefined): Pick<Sample, 'completion' | 'opening'> {
  const { text = '', opening = '', messages } = completion ?? {};
  if (messages !== undefined) return { completion: transcriptOf(messages) };
  return { completion: text, ...(opening !== '' && { opening }) };
}

/** Turns under each other, each but the first behind who speaks. */
export function transcriptOf(messages: readonly Message[]): string {
  return messages.map(({ role, content }, at) => (at === 0 ? content : `\n--- ${role} ---\n${content}`)).join('');
}

/** `metrics.jsonl` and `samples.jsonl` of a stage's directory, a line a step and a line a completion, and its `rollouts/`. */
export class StageLog {
  readonly rollouts: RolloutLog;
  private readonly directory: string;
  private readonly writer: Writer;
  /** Digest of what the files say of the evaluation of each step; they are read for the first one. */
  private evaluated: Map<number, string> | undefined;

  constructor(directory: string, writer: Writer = soleWriter) {
    this.directory = directory;
    this.writer = writer;
    this.rollouts = new RolloutLog(join(directory, rolloutsName), writer);
  }

  async metrics(step: number, metrics: Metrics): Promise<void> {
    const line = JSON.stringify({ step, time: new Date().toISOString(), ...metrics });
    await this.append(metricsName, `${line}\n`);
  }

  async samples(step: number, samples: readonly Sample[]): Promise<void> {
    const lines = samples.map((each) => `${JSON.stringify({ step, ...each })}\n`);
    await this.append(samplesName, lines.join(''));
  }

  /** Takes the place of what was measured of the model of that step before. */
  async evaluation(step: number, metrics: Metrics, samples: readonly Sample[]): Promise<void> {
    this.evaluated ??= await this.readEvaluations();
    const told = digestOf([{ step, ...metrics }], samples);
    const before = this.evaluated.get(step);
    if (before === told) return;
    if (before !== undefined) {
      for (const name of [metricsName, samplesName]) await this.filter(name, (line) => !isEvaluationOf(line, step));
    }
    await this.metrics(step, metrics);
    await this.samples(step, samples);
    this.evaluated.set(step, told);
  }

  private async readEvaluations(): Promise<Map<number, string>> {
    const [metrics, samples] = [await this.evaluations(metricsName), await this.evaluations(samplesName)];
    const steps = new Set([...metrics.keys(), ...samples.keys()]);
    return new Map(Array.from(steps, (step) => [step, digestOf(metrics.get(step) ?? [], samples.get(step) ?? [])]));
  }

  private async evaluations(name: string): Promise<Map<number, object[]>> {
    const byStep = new Map<number, object[]>();
    for (const line of (await this.read(name)).split('\n')) {
      const parsed = parse(line);
      if (parsed === undefined || !isEvaluationOf(parsed, parsed.step)) continue;
      const { step, ...rest } = parsed;
      const shown = name === samplesName ? rest : withoutTime(parsed);
      byStep.set(step, [...(byStep.get(step) ?? []), shown]);
    }
    return byStep;
  }

  /**
   * Forgets what comes after `step`: it belongs to work that is about to be done again. The files become others: a writer that
   * was here before, and has not yet seen that it is no more, has those that were.
   */
  async rewind(step: number): Promise<void> {
    for (const name of [metricsName, samplesName]) await this.filter(name, (line) => line.step <= step);
    this.evaluated = undefined;
    await this.rollouts.rewind(step);
  }

  /** Keeps some lines; one that a crash has cut does not parse and is dropped. */
  private async filter(name: string, keep: (line: Line) => boolean): Promise<void> {
    const text = await this.read(name);
    const lines = text.split('\n').filter((line) => {
      const parsed = parse(line);
      return parsed !== undefined && keep(parsed);
    });
    const kept = lines.map((line) => `${line}\n`).join('');
    const path = join(this.directory, name);
    if (kept !== '') return replaceFile(path, kept, this.writer);
    await this.writer.check();
    await rm(path, { force: true });
  }

  /** Opened before the writer is sure of its directory: what takes the place of the file from then on is another one. */
  private async append(name: string, lines: string): Promise<void> {
    await using file = await open(join(this.directory, name), 'a');
    await this.writer.check();
    await file.writeFile(lines);
  }

  private async read(name: string): Promise<string> {
    return readFile(join(this.directory, name), 'utf8').catch(() => '');
  }
}

type Line = Readonly<Record<string, unknown>> & { readonly step: number };

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}

/** Figures of an evaluation have a line of their own. */
function isEvaluationOf(line: Line, step: number): boolean {
  if (line.step !== step) return false;
  if (line['from'] !== undefined) return line['from'] === 'evaluation';
  const names = Object.keys(withoutTime(line)).filter((name) => name !== 'step');
  return names.length > 0 && names.every((name) => /^(eval|eval_train|data\/evaluation)\//.test(name));
}

function withoutTime(line: Line): object {
  const { time: _, ...figures } = line;
  return figures;
}

function digestOf(figures: readonly object[], samples: readonly object[]): string {
  return createHash('sha256')
    .update(JSON.stringify([figures, samples]))
    .digest('hex');
}
