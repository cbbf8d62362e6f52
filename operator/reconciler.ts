import { isDeepStrictEqual } from 'node:util';
import { type Condition, succeededStatus } from './api/resources/conditions.ts';
import type { PipelineStatus } from './api/resources/pipeline.ts';
import type { AttemptRecord, StageStatus } from './api/resources/stage.ts';
import { hasNotEnded } from './core/attempts.ts';
import { withInternalError } from './core/internal-error.ts';
import { decidePipeline, type PipelineAction } from './core/pipeline/decide-pipeline.ts';
import { decideStage } from './core/stage/decide-stage.ts';
import type { StageAction } from './core/stage/stage-decision.ts';
import type { PipelineObserved, StageObserved } from './core/observed.ts';

/**
 * What passes for pipelines need of a world. A key names one object; what it names is gone when nothing is observed. What was decided is
 * done to the object that was observed, and to no other that has its name by then.
 */
export interface PipelineShell<T extends PipelineObserved = PipelineObserved> {
  observePipeline(key: string): Promise<T | undefined>;
  applyToPipeline(observed: T, action: PipelineAction): Promise<void>;
  savePipelineStatus(observed: T, status: PipelineStatus): Promise<void>;
}

/** The same for stages. */
export interface StageShell<T extends StageObserved = StageObserved> {
  observeStage(key: string): Promise<T | undefined>;
  applyToStage(observed: T, action: StageAction): Promise<void>;
  /** @returns whether it is written; it is not where the object has changed since it was observed */
  saveStageStatus(observed: T, status: StageStatus): Promise<boolean>;
}

/** One world that pipelines run in. */
export type Shell = PipelineShell & StageShell;

export interface Pass {
  /** Something was set in motion, or a condition changed: whoever depends on it should look again. */
  readonly moved: boolean;
  readonly recheckAfterMs?: number;
}

/**
 * One pass for one pipeline. Throws to be retried with back-off. A pass that acts brings another one, which sees what
 * came of it; so only what must not be lost is written before.
 */
export async function reconcilePipeline<T extends PipelineObserved>(
  key: string,
  shell: PipelineShell<T>,
): Promise<Pass> {
  const observed = await shell.observePipeline(key);
  if (observed === undefined) return { moved: false }; // deleted; owner references clean up after it

  const { actions, status, recheckAfterMs } = await orSay(
    () => decidePipeline(observed),
    async (error) => {
      const broken = withInternalError(observed.pipeline, error, observed.now, { gates: [], stages: [] });
      if (broken !== undefined) await shell.savePipelineStatus(observed, broken);
    },
  );
  for (const action of actions) await shell.applyToPipeline(observed, action);
  const old = observed.pipeline.status;
  const acted = actions.length > 0;
  // What becomes of a volume is known at once, and nothing else follows from it.
  const isAwaited = actions.some(({ kind }) => kind !== 'RetainVolume');
  const settled = !isAwaited || endChanged(old, status) || old?.volumeRetained !== status.volumeRetained;
  if (settled && hasNews(old, status)) await shell.savePipelineStatus(observed, status);
  return pass(acted, old, status, recheckAfterMs);
}

/** One pass for one stage. Throws to be retried with back-off. */
export async function reconcileStage<T extends StageObserved>(key: string, shell: StageShell<T>): Promise<Pass> {
  const observed = await shell.observeStage(key);
  if (observed === undefined) return { moved: false };

  const { actions, status, recheckAfterMs } = await orSay(
    () => decideStage(observed),
    async (error) => {
      const broken = withInternalError(observed.stage, error, observed.now, {
        attempts: [],
        failures: {},
        metrics: {},
      });
      if (broken !== undefined) await shell.saveStageStatus(observed, broken);
    },
  );
  const old = observed.stage.status;
  const acted = actions.length > 0;
  // The traces of an attempt that ended go away: what is known of it is written before anything else is done.
  const save =
    (!acted || endChanged(old, status) || recordsEnd(old?.attempts, status.attempts)) && hasNews(old, status);
  const isKnown = !save || (await shell.saveStageStatus(observed, status));
  if (isKnown) for (const action of actions) await shell.applyToStage(observed, action);
  return pass(acted, old, status, recheckAfterMs);
}

/** A mistake of ours is no reason to leave people without a word: the object says so, and the pass fails as it should. */
async function orSay<T>(decide: () => T, say: (error: unknown) => Promise<void>): Promise<T> {
  try {
    return decide();
  } catch (error) {
    await say(error);
    throw error;
  }
}

interface Status {
  readonly conditions: readonly Condition[];
  readonly runSeconds: number;
  readonly gpuHours: number;
  readonly display?: object | undefined;
}

/** Whether there is more to say than that time went on. */
export function hasNews(old: Status | undefined, status: Status): boolean {
  return old === undefined || !isDeepStrictEqual(timeless(old), timeless(status));
}

function timeless({ display, ...status }: Status): object {
  return { ...status, display: { ...display, gpuHours: '' }, runSeconds: 0, gpuHours: 0, spending: [] };
}

/** The `Succeeded` condition became final, or is it no more: programs wait for it. */
export function endChanged(old: Status | undefined, status: Status): boolean {
  const [before, after] = [old, status].map((each) => succeededStatus(each?.conditions));
  return before !== after;
}

/** An attempt has ended that was not known to have ended. */
export function recordsEnd(old: readonly AttemptRecord[] = [], records: readonly AttemptRecord[]): boolean {
  const known = new Set(old.filter((each) => !hasNotEnded(each)).map(({ number }) => number));
  return records.some((each) => !hasNotEnded(each) && !known.has(each.number));
}

function pass(acted: boolean, old: Status | undefined, status: Status, recheckAfterMs: number | undefined): Pass {
  return {
    moved: acted || !isDeepStrictEqual(old?.conditions, status.conditions),
    ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
  };
}
