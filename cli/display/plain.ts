import type { Display } from './display.ts';
import { metricTexts, progressText, shortDuration } from './progress-text.ts';
import { type StageState, stageStates } from './run-state.ts';

const intervalMs = 10_000;

/**
 * Lines for a log: one when an attempt starts, at most one every ten seconds while it runs, one with the metrics when the
 * stage has ended, and one for each decision of a gate.
 */
export function plainDisplay(write: (line: string) => void, clock: () => number = Date.now): Display {
  const seen = new Map<string, { attempt: number; ended: boolean; step: number; shownMs: number }>();
  const gates = new Set<string>();
  return {
    update(run) {
      const now = clock();
      for (const stage of stageStates(run, now)) {
        const before = seen.get(stage.name) ?? { attempt: 0, ended: false, step: -1, shownMs: 0 };
        const line = lineOf(stage, before, now);
        if (line === undefined) continue;
        write(`${stage.name}: ${line}`);
        seen.set(stage.name, { attempt: stage.attempt, ended: stage.ended, step: stage.step, shownMs: now });
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

function lineOf(
  stage: StageState,
  before: { attempt: number; ended: boolean; step: number; shownMs: number },
  now: number,
): string | undefined {
  if (stage.ended) {
    if (before.ended) return undefined;
    const why = stage.state === 'Succeeded' ? '' : `: ${stage.message}`;
    const time = stage.seconds > 0 ? ` after ${shortDuration(stage.seconds)}` : '';
    return [`${stage.state.toLowerCase()}${time}${why}`, ...metricTexts(stage.metrics)].join('  ');
  }
  if (stage.attempt > before.attempt) {
    return stage.attempt === 1 ? `started (${stage.type})` : `attempt ${stage.attempt} started`;
  }
  if (stage.attempt === 0 || stage.step === before.step || now - before.shownMs < intervalMs) return undefined;
  return progressText(stage);
}
