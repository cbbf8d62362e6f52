import type { Display } from './display.ts';
import { metricTexts, progressText, shortDuration } from './progress-text.ts';
import { type StageState, stageStates } from './run-state.ts';

const intervalMs = 10_000;

/**
 * Lines for a log: one when an attempt starts, at most one every ten seconds while it runs, one with the metrics when the
 * stage has ended, and one for each warning and each decision of a gate.
 */
export function plainDisplay(write: (line: string) => void, clock: () => number = Date.now): Display {
  const seen = new Map<string, Seen>();
  const gates = new Set<string>();
  const warned = new Set<string>();
  return {
    update(run) {
      const now = clock();
      for (const stage of stageStates(run, now)) {
        const before = seen.get(stage.name) ?? firstSight(stage);
        const lines = newsOf(stage, before, now);
        for (const line of lines) write(`${stage.name}: ${line}`);
        for (const { reason, message } of stage.warnings) {
          const key = `${stage.name} ${reason}`;
          if (!warned.has(key)) write(`${stage.name}: warning (${reason}): ${message}`);
          warned.add(key);
        }
        if (lines.length > 0 || !seen.has(stage.name)) seen.set(stage.name, { ...seenNow(stage), shownMs: now });
      }
      for (const { stage, action, message, digest } of run.pipeline.status?.gates ?? []) {
        const key = `${stage} ${action} ${digest}`;
        if (!gates.has(key)) write(`${stage}: gate ${action}: ${message}`);
        gates.add(key);
      }
    },
    note: write,
    end() {},
  };
}

interface Seen {
  readonly attempt: number;
  readonly failedAttempt: number;
  readonly ended: boolean;
  readonly step: number;
  readonly phase: string;
  readonly shownMs: number;
}

/** A run that goes on tells of what is new, not of the attempts and failures before it. */
function firstSight({ attempt, failure, running }: StageState): Seen {
  const attemptsBefore = running ? attempt - 1 : attempt;
  return {
    attempt: attemptsBefore,
    failedAttempt: failure?.attempt ?? 0,
    ended: false,
    step: -1,
    phase: '',
    shownMs: 0,
  };
}

function seenNow({ attempt, failure, ended, step, phase }: StageState): Omit<Seen, 'shownMs'> {
  return { attempt, failedAttempt: failure?.attempt ?? 0, ended, step, phase };
}

function newsOf(stage: StageState, before: Seen, now: number): string[] {
  const { attempt, failure, ended } = stage;
  const lines: string[] = [];
  if (attempt > before.attempt) lines.push(attempt === 1 ? `started (${stage.type})` : `attempt ${attempt} started`);
  if (failure && failure.attempt > before.failedAttempt) {
    lines.push(`attempt ${failure.attempt} failed: ${failure.text}`);
  }
  if (ended && !before.ended) lines.push(endOf(stage));
  if (lines.length > 0 || ended || attempt === 0) return lines;

  const moved = stage.step !== before.step || stage.phase !== before.phase;
  return moved && stage.steps > 0 && now - before.shownMs >= intervalMs ? [progressText(stage)] : [];
}

function endOf(stage: StageState): string {
  const [end, why] = stage.succeeded ? ['succeeded', ''] : [stage.state.toLowerCase(), `: ${stage.message}`];
  const time = stage.seconds > 0 ? ` after ${shortDuration(stage.seconds)}` : '';
  return [`${end}${time}${why}`, ...metricTexts(stage.metrics)].join('  ');
}
