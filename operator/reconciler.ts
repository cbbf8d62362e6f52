import type { PipelineStatus } from './api/pipeline.ts';
import type { StageStatus } from './api/stage.ts';
import { decidePipeline, type PipelineAction } from './core/decide-pipeline.ts';
import { decideStage, type StageAction } from './core/decide-stage.ts';
import { digestOf } from './core/names.ts';
import type { PipelineObserved, StageObserved } from './core/observed.ts';

/** One world that pipelines run in. A key names one object; what it names is gone when nothing is observed. */
export interface Shell {
  observePipeline(key: string): Promise<PipelineObserved | undefined>;
  applyToPipeline(key: string, action: PipelineAction): Promise<void>;
  savePipelineStatus(key: string, status: PipelineStatus): Promise<void>;
  observeStage(key: string): Promise<StageObserved | undefined>;
  applyToStage(key: string, action: StageAction): Promise<void>;
  saveStageStatus(key: string, status: StageStatus): Promise<void>;
}

export interface Pass {
  /** Something was set in motion, or a condition changed: whoever depends on it should look again. */
  readonly moved: boolean;
  readonly recheckAfterMs?: number;
}

/** One pass for one pipeline. Throws to be retried with back-off. */
export async function reconcilePipeline(key: string, shell: Shell): Promise<Pass> {
  const observed = await shell.observePipeline(key);
  if (observed === undefined) return { moved: false }; // deleted; owner references clean up after it

  const { actions, status, recheckAfterMs } = decidePipeline(observed);
  for (const action of actions) await shell.applyToPipeline(key, action);
  const old = observed.pipeline.status;
  if (digestOf(old) !== digestOf(status)) await shell.savePipelineStatus(key, status);
  return {
    moved: actions.length > 0 || digestOf(old?.conditions) !== digestOf(status.conditions),
    ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
  };
}

/** One pass for one stage. Throws to be retried with back-off. */
export async function reconcileStage(key: string, shell: Shell): Promise<Pass> {
  const observed = await shell.observeStage(key);
  if (observed === undefined) return { moved: false };

  const { actions, status, recheckAfterMs } = decideStage(observed);
  for (const action of actions) await shell.applyToStage(key, action);
  const old = observed.stage.status;
  if (digestOf(old) !== digestOf(status)) await shell.saveStageStatus(key, status);
  return {
    moved: actions.length > 0 || digestOf(old?.conditions) !== digestOf(status.conditions),
    ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
  };
}
