import type { StageResult } from '../contract/progress.ts';
import type { EvaluationSettings } from '../contract/training.ts';
import { DivergedError } from '../contract/errors.ts';
import { evaluatePolicy } from './evaluation.ts';
import type { Policy } from './policy.ts';
import type { Metrics } from './metrics.ts';
import type { Workspace } from './workspace.ts';

export interface TrainingLoop {
  readonly workspace: Workspace;
  readonly policy: Policy;
  /** Steps that an earlier attempt has done. */
  readonly from: number;
  /** Figures of the newest of them. */
  readonly metrics: Metrics;
  readonly steps: number;
  readonly checkpointEvery: number;
  /** A checkpoint may only lie where this many steps are complete (the steps of one rollout); 1 for supervised stages. */
  readonly unit?: number;
  /** One optimizer step; `step` counts from 0. */
  readonly run: (step: number) => Promise<Metrics>;
  /** Further figures of the finished model. */
  readonly finalMetrics?: () => Promise<Metrics>;
}

/** Runs the steps that are left, with logs, evaluations, checkpoints and a clean stop; then the final evaluation and checkpoint. */
export async function train(loop: TrainingLoop): Promise<StageResult> {
  const { workspace, policy, steps } = loop;
  const { evaluation } = workspace.file;
  const evaluations = policy.head === 'lm' ? evaluation : undefined;
  let savedStep = loop.from;
  let last = loop.metrics;

  // Data that cannot be read must not be found out after hours of training.
  if (evaluations) await workspace.loadRows(evaluations.data, 'evaluation');
  workspace.progress.report('train', loop.from, steps);
  if (workspace.interrupted) workspace.interrupt(`step ${loop.from} of ${steps}`);
  for (let step = loop.from; step < steps; step++) {
    const startedMs = performance.now();
    last = await loop.run(step);
    const done = step + 1;
    requireFinite(last, done);
    const seconds = (performance.now() - startedMs) / 1000;
    await workspace.log(done, { global_step: done, ...last, step_time: seconds });
    workspace.progress.report('train', done, steps, last);
    if (done < steps && evaluations && evaluations.every > 0 && done % evaluations.every === 0) {
      await evaluateNow(workspace, policy, evaluations, done, steps);
    }
    const complete = done % (loop.unit ?? 1) === 0;
    const canStop = complete || done === steps;
    const due = done < steps && done - savedStep >= loop.checkpointEvery;
    if ((complete && due) || (canStop && workspace.interrupted)) {
      workspace.progress.report('save', done, steps);
      await workspace.publish(done, false, (directory) => policy.write(directory, false, withoutTimes(last)));
      savedStep = done;
    }
    if (canStop && workspace.interrupted) workspace.interrupt(`step ${done} of ${steps}`);
  }

  const measured = evaluations ? await evaluateNow(workspace, policy, evaluations, steps, steps) : {};
  const metrics = { ...withoutTimes(last), ...measured, ...(await loop.finalMetrics?.()) };
  const checkpoint = await workspace.publish(steps, true, (directory) => policy.write(directory, true, metrics));
  return workspace.finish(checkpoint, `${steps} steps`, metrics);
}

async function evaluateNow(
  workspace: Workspace,
  policy: Policy,
  settings: EvaluationSettings,
  step: number,
  steps: number,
): Promise<Metrics> {
  workspace.progress.report('evaluate', step, steps);
  const { metrics, samples } = await evaluatePolicy(policy, settings, workspace);
  await workspace.log(step, metrics);
  await workspace.saveSamples(step, samples);
  return metrics;
}

function requireFinite(metrics: Metrics, step: number): void {
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (bad) throw new DivergedError(`step ${step}: ${bad[0]} is ${bad[1]}; expected a finite number`);
}

/** Timings differ from run to run and have no place in a checkpoint, whose digest is a function of the manifest. */
function withoutTimes(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !/time|_per_s|ms_p95/.test(name)));
}
