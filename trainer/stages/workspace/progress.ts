import type { ProgressLine } from '../../contract/files/progress.ts';
import { Warnings } from './warnings.ts';
import type { Metrics } from './metrics.ts';

const minimumIntervalMs = 1000;

/** A step may take an hour; whoever watches wants a sign of life before. */
const silenceMs = 20_000;

/** The few metrics that a person watches; the rest is in `metrics.jsonl`. */
export const watchedMetrics = [
  'loss',
  'reward',
  'reward_std',
  'kl',
  'entropy',
  'eval/pass@1',
  'eval/format_rate',
  'eval/language_consistency',
  'completions/mean_length',
  'accuracy',
  'mean_token_accuracy',
  'grad_norm',
] as const;

/**
 * Writes progress lines, at most one a second, with the time left by the speed of this attempt. What follows the checks of rows is
 * said at once: the first step may take minutes, which are not spent on checks.
 */
export class ProgressReporter {
  /** Travel with every line. */
  readonly warnings = new Warnings();
  /** Where the speed of this attempt is measured from: when its first step began, not what came before it. */
  private start: { readonly step: number; readonly ms: number } | undefined;
  private lastMs = -Infinity;
  private metrics: Metrics = {};
  private savedUpTo: number | undefined;
  /** Said or not. */
  private newest: ProgressLine | undefined;
  private readonly say: (line: string) => void;
  private readonly device: string | undefined;

  /** @param device what the stage computes on, in words */
  constructor(say: (line: string) => void = toStdout, device?: string) {
    this.say = say;
    this.device = device;
  }

  /** Rows looked at before the first step. */
  checking(done: number, rows: number): void {
    this.write('check', done, rows, undefined);
    this.start = undefined;
  }

  /** The steps begin, or go on from where another attempt left them. What was said before, of the model that the stage began with, is no step of this attempt. */
  begin(phase: string, step: number, steps: number): void {
    this.start = undefined;
    this.report(phase, step, steps);
  }

  report(phase: string, step: number, steps: number, metrics: Metrics = {}): void {
    this.metrics = { ...this.metrics, ...pick(metrics) };
    this.start ??= { step, ms: performance.now() };
    const done = step - this.start.step;
    const seconds = (performance.now() - this.start.ms) / 1000;
    this.write(phase, step, steps, done > 0 ? (seconds / done) * (steps - step) : undefined);
  }

  /** Another attempt would go on from here; told by the next line. */
  saved(upTo: number): void {
    this.savedUpTo = upTo;
  }

  /** For other work of the same stage: its lines name it, and what is warned of and saved stays as it is. */
  within(name: string): ProgressReporter {
    return new ProgressReporter((line) => {
      const { warnings: _, saved: __, ...rest } = JSON.parse(line) as ProgressLine;
      const own = { ...this.warned, ...(this.savedUpTo !== undefined && { saved: this.savedUpTo }) };
      this.say(`${JSON.stringify({ ...rest, phase: `${name}: ${rest.phase}`, ...own })}\n`);
    }, this.device);
  }

  private write(phase: string, step: number, steps: number, secondsLeft: number | undefined): void {
    const checked = this.newest?.phase === 'check' && phase !== 'check';
    this.newest = {
      type: 'progress',
      time: new Date().toISOString(),
      step,
      steps,
      phase,
      metrics: this.metrics,
      ...this.warned,
      ...(this.device !== undefined && { device: this.device }),
      ...(this.savedUpTo !== undefined && { saved: this.savedUpTo }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    };
    const nowMs = performance.now();
    if (nowMs - this.lastMs < minimumIntervalMs && step < steps && !checked) return;
    this.lastMs = nowMs;
    this.say(`${JSON.stringify(this.newest)}\n`);
  }

  private get warned(): Pick<ProgressLine, 'warnings'> {
    const warnings = this.warnings.all;
    return warnings.length === 0 ? {} : { warnings };
  }

  /** Says the newest line, if need be again, after a silence. Called when work inside a step has gone on. */
  readonly alive = (): void => {
    const nowMs = performance.now();
    if (!this.newest || nowMs - this.lastMs < silenceMs) return;
    this.lastMs = nowMs;
    this.say(`${JSON.stringify({ ...this.newest, ...this.warned, time: new Date().toISOString() })}\n`);
  };
}

function pick(metrics: Metrics): Metrics {
  return Object.fromEntries(
    watchedMetrics.filter((name) => name in metrics).map((name) => [name, metrics[name] as number]),
  );
}

function toStdout(line: string): void {
  process.stdout.write(line);
}
