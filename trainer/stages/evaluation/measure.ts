import { evaluatePolicy } from './evaluation.ts';
import type { Evaluation } from '../workspace/evaluation-records.ts';
import type { EvaluationData } from '../rows/evaluation-rows.ts';
import { loadStartingModel } from '../policy/load-model.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { Policy } from '../policy/policy.ts';
import { requireMemory } from '../checks/require-memory.ts';
import { evaluationDigest, startDigest } from '../workspace/settings-digest.ts';
import { warnOfUnscoredEvaluation } from './unscored-evaluation.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A model and its place in the stage. */
interface Subject {
  /** Of its checkpoint, or of the directory that it comes from. */
  readonly digest: string;
  readonly step: number;
  /** Steps of the whole stage. */
  readonly steps: number;
}

/** Evaluates a policy as the stage asks for it; the rows are read when absent. */
type Evaluate = (policy: Policy, data?: EvaluationData) => Promise<Evaluation>;

/** Opens the model, and evaluates it. */
type Run = (evaluate: Evaluate) => Promise<Evaluation>;

/** Evaluates a model as the stage asks for it, or takes the figures that are on file, and logs them at the model's step. */
export async function measure(workspace: Workspace, { digest, step, steps }: Subject, run: Run): Promise<Metrics> {
  const { file, evaluations, log, progress } = workspace;
  const settings = file.evaluation;
  if (!settings) return {};
  const { metrics, samples } = await evaluations.of(digest, await evaluationDigest(file, settings), () => {
    progress.report('evaluate', step, steps);
    return run((policy, data) => evaluatePolicy(policy, settings, workspace, data));
  });
  await log.evaluation(step, metrics, samples);
  warnOfUnscoredEvaluation(step, metrics, workspace.warnings);
  return metrics;
}

/**
 * Measures the model that the stage starts from, so that there is something to compare with; a fresh one knows nothing.
 *
 * @param run for the model itself, while it has learned nothing; it is loaded when absent
 */
export async function measureStart(workspace: Workspace, steps: number, run?: Run): Promise<void> {
  const { file } = workspace;
  if (!file.evaluation || file.model?.init) return;
  const subject = { digest: await startDigest(file), step: 0, steps };
  await measure(workspace, subject, run ?? ((evaluate) => withStartingModel(workspace, evaluate)));
}

async function withStartingModel(workspace: Workspace, evaluate: Evaluate): Promise<Evaluation> {
  const needs = { head: 'lm', trained: false, reference: false, rewardModels: new Map() } as const;
  const model = await loadStartingModel(workspace, 'lm', (config) => requireMemory(workspace, config, needs));
  const { workers } = workspace.file;
  const policy = await Policy.start(model, {
    workers,
    onActivity: workspace.progress.alive,
    stop: workspace.stop.signal,
  });
  try {
    return await evaluate(policy);
  } finally {
    await policy.close();
  }
}
