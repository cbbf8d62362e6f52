import type { StageResult } from '../contract/files/progress.ts';
import type { EvaluateSettings } from '../contract/settings/settings.ts';
import { evaluatePolicy, type WholeEvaluation } from './evaluation/evaluation.ts';
import { warnOfUnscoredEvaluation } from './evaluation/unscored-evaluation.ts';
import { loadPolicy } from './training/load-policy.ts';
import { successResult } from './workspace/success.ts';
import type { Workspace } from './workspace/workspace.ts';

/** Measures a model and hands on nothing but the figures. */
export async function evaluate(settings: EvaluateSettings, workspace: Workspace): Promise<StageResult> {
  const { metrics, samples } = await evaluateStartingModel(settings, workspace);
  await workspace.log.evaluation(0, metrics, samples);
  warnOfUnscoredEvaluation(0, metrics, workspace.warnings);
  workspace.progress.report('evaluate', 1, 1, metrics);
  return successResult('evaluated', metrics);
}

/** Measures the model that a stage starts from. */
export async function evaluateStartingModel(
  settings: EvaluateSettings,
  workspace: Workspace,
): Promise<WholeEvaluation> {
  const { policy } = await loadPolicy(workspace);
  try {
    workspace.progress.report('evaluate', 0, 1);
    const asked = { ...settings, every: 0 };
    return await workspace.stop.during(
      () => evaluatePolicy(policy, asked, workspace),
      () => 'nothing, for it had only begun',
    );
  } finally {
    await policy.close();
  }
}
