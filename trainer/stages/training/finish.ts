import type { PublishedCheckpoint } from '../../checkpoint/store.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import type { EvaluationData } from '../rows/evaluation-rows.ts';
import { guardMetrics, warnOfGuard } from './guard-record.ts';
import { LearningWatch } from './learning-watch.ts';
import { loadSavedModel } from '../policy/load-model.ts';
import type { ResumedPolicy } from './load-policy.ts';
import { measure } from '../evaluation/measure.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { Policy } from '../policy/policy.ts';
import { requireMemory } from '../checks/require-memory.ts';
import { type KeptGuard, readResumeState } from './resume-state.ts';
import { finishedEarlier, successResult } from '../workspace/success.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface Finished {
  readonly policy: Policy;
  /** Of its last step. */
  readonly metrics: Metrics;
  readonly final: PublishedCheckpoint;
  /** Rows to evaluate on; read when absent. */
  readonly evaluated?: EvaluationData | undefined;
  readonly guard?: KeptGuard | undefined;
}

/**
 * The result of a stage whose work is done: its model is measured once it is safe.
 *
 * @param measureMore further figures of the model
 */
export async function resultOf(
  workspace: Workspace,
  { policy, metrics, final, evaluated, guard }: Finished,
  message: string,
  measureMore?: () => Promise<Metrics>,
): Promise<StageResult> {
  const { digest, step } = final;
  const subject = { digest, step, steps: step };
  const figures = await workspace.stop.during(
    async () => ({
      ...(policy.head === 'lm' && (await measure(workspace, subject, (evaluate) => evaluate(policy, evaluated)))),
      ...(await measureMore?.()),
    }),
    () => `step ${step} of ${step}`,
  );
  return successResult(message, { ...metrics, ...(guard && guardMetrics(workspace, guard)), ...figures }, final);
}

/**
 * The result of a stage whose work an earlier attempt has done. What is asked about its model by now may not be what was
 * measured then.
 */
export async function finishAgain(
  workspace: Workspace,
  { policy, metrics, guard }: ResumedPolicy,
  final: PublishedCheckpoint,
  measureMore?: () => Promise<Metrics>,
): Promise<StageResult> {
  await LearningWatch.open(workspace); // what the attempts before warned of still holds
  if (guard) warnOfGuard(workspace, guard);
  return resultOf(workspace, { policy, metrics, final, guard }, finishedEarlier, measureMore);
}

/**
 * The result of a stage whose guard has ended it: the checkpoint of the good step, as it was published then.
 *
 * @param step at which it was ended
 */
export async function finishRolledBack(workspace: Workspace, guard: KeptGuard, step: number): Promise<StageResult> {
  const final = await workspace.output.goodOf(guard.good.step);
  const { metrics, guard: then } = await readResumeState(final.path);
  await LearningWatch.open(workspace);
  warnOfGuard(workspace, guard);
  const needs = { head: 'lm', trained: false, reference: false, rewardModels: new Map() } as const;
  const model = await loadSavedModel(workspace, final.path, 'lm', (config) => requireMemory(workspace, config, needs));
  const { workers } = workspace.file;
  const { alive: onActivity } = workspace.progress;
  const policy = await Policy.start(model, { workers, onActivity, stop: workspace.stop.signal });
  try {
    const message = `rolled back from step ${step} to step ${final.step}, the last good one`;
    return await resultOf(workspace, { policy, metrics, final, guard: then }, message);
  } finally {
    await policy.close();
  }
}
