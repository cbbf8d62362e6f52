import type { PublishedCheckpoint } from '../../checkpoint/store.ts';
import { whyNotLonger } from '../../contract/settings/continuation.ts';
import { DivergedError, UserError } from '../../contract/process/errors.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { evaluatePolicy } from '../evaluation/evaluation.ts';
import type { KeptCurriculum } from '../rollout/curriculum.ts';
import { DeviceMeter } from './device-meter.ts';
import { type EvaluationData, loadEvaluationData } from '../rows/evaluation-rows.ts';
import { LearningWatch } from './learning-watch.ts';
import { resultOf } from './finish.ts';
import { measureStart } from '../evaluation/measure.ts';
import type { ResumedPolicy } from './load-policy.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import { type KeptGuard, resumeBytes, writeResumeTensors, writeState } from './resume-state.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { writePolicy } from '../policy/write-policy.ts';

interface TrainingOptions {
  /** Optimizer steps of the whole stage. */
  readonly steps: number;
  readonly checkpointEvery: number;
  /** What was found in the rows: in the line of the first step, and in the result. */
  readonly figures: Metrics;
  /** Keeps what a longer run goes on from; decided by its size when absent. */
  readonly keepOptimizer?: boolean | undefined;
  /** A longer run can go on where a multiple of so many steps is done; 1 when absent. */
  readonly unit?: number;
}

/** Up to this size, what a longer run goes on from is kept unless someone says otherwise. */
const smallBytes = 2 * 2 ** 30;

/**
 * What every stage that trains does around its steps: logs, evaluations, checkpoints, a clean stop, and the end. The
 * recipe has the loop:
 *
 *   while (training.stepsLeft > 0) {
 *     const metrics = await training.stoppable(() => … one optimizer step …);
 *     await training.report(metrics);
 *     await training.saveIfDue();
 *   }
 *   return training.finish();
 */
export class Training {
  private readonly workspace: Workspace;
  private readonly policy: Policy;
  private readonly options: TrainingOptions;
  private readonly watch: LearningWatch;
  private readonly meter: DeviceMeter;
  private readonly evaluation: EvaluationSettings | undefined;
  private evaluated: EvaluationData | undefined;
  private done: number;
  private saved: number;
  /** Figures of the newest step. */
  private metrics: Metrics;
  private stepStartedMs = performance.now();
  /** The newest step has yet to be evaluated. */
  private evaluationDue = false;
  /** Writes what a checkpoint needs besides where the stage is stopped now; set by recipes that go on in the midst of something. */
  alsoKeep: ((directory: string) => Promise<void>) | undefined;
  /** What a guard has seen so far: kept with every checkpoint. */
  guard: KeptGuard | undefined;
  /** What a curriculum has measured so far: likewise. */
  curriculum: KeptCurriculum | undefined;

  private constructor(
    workspace: Workspace,
    { policy, step, metrics, guard, curriculum }: ResumedPolicy,
    options: TrainingOptions,
    watch: LearningWatch,
  ) {
    this.workspace = workspace;
    this.watch = watch;
    this.policy = policy;
    this.meter = new DeviceMeter(policy.engine, policy.config.precision);
    this.options = options;
    this.evaluation = policy.head === 'lm' ? workspace.file.evaluation : undefined;
    this.done = step;
    this.saved = step;
    this.metrics = metrics;
    this.guard = guard;
    this.curriculum = curriculum;
  }

  static async start(workspace: Workspace, resumed: ResumedPolicy, options: TrainingOptions): Promise<Training> {
    const training = new Training(workspace, resumed, options, await LearningWatch.open(workspace));
    // Data that cannot be read must not be found out after hours of training.
    const { evaluation, policy } = training;
    if (training.stepsLeft < 0) {
      const { step } = resumed;
      throw new UserError(`step ${step} is saved, and ${options.steps} are asked for: run the stage anew`);
    }
    if (evaluation) training.evaluated = await loadEvaluationData(policy, evaluation, workspace);
    if (evaluation && training.done === 0) {
      await training.stoppable(() =>
        measureStart(workspace, options.steps, (evaluate) => evaluate(policy, training.evaluated)),
      );
    }
    if (training.done > 0) workspace.progress.saved(training.done);
    workspace.progress.begin('train', training.done, options.steps);
    workspace.stop.heed(training.place);
    if (resumed.evaluationDue) await training.evaluateIfDue();
    training.stepStartedMs = performance.now();
    return training;
  }

  /** Optimizer steps that are done; the next one has this number, counted from 0. */
  get step(): number {
    return this.done;
  }

  get stepsLeft(): number {
    return this.options.steps - this.done;
  }

  /**
   * Does a part of a step. If someone asks for a stop meanwhile, it ends early: what was learned before is saved, and the stage
   * ends.
   */
  stoppable<T>(work: () => Promise<T>): Promise<T> {
    return this.workspace.stop.during(work, async () => {
      if (this.done > this.saved) await this.save();
      return this.place;
    });
  }

  /**
   * Takes the figures of an optimizer step, and evaluates where the settings ask for it.
   *
   * @throws DivergedError if a figure is not finite
   */
  async report(metrics: Metrics): Promise<void> {
    const { workspace } = this;
    const { steps } = this.options;
    this.done++;
    this.metrics = metrics;
    requireFinite(metrics, this.done);
    const seconds = (performance.now() - this.stepStartedMs) / 1000;
    await workspace.log.metrics(this.done, {
      global_step: this.done,
      ...metrics,
      ...(this.done === 1 && { ...this.options.figures, ...this.evaluated?.figures }),
      step_time: seconds,
      ...(await this.meter.figures(seconds)),
    });
    this.watch.see(this.done, metrics, this.stepsLeft === 0);
    workspace.progress.report('train', this.done, steps, metrics);
    await this.evaluateIfDue();
    if (this.workspace.stop.made) await this.save();
    this.workspace.stop.heed(this.place);
    this.stepStartedMs = performance.now();
  }

  private async evaluateIfDue(): Promise<void> {
    const { evaluation } = this;
    if (this.stepsLeft === 0 || !evaluation || evaluation.every === 0 || this.done % evaluation.every > 0) return;
    this.evaluationDue = true;
    await this.stoppable(() => this.evaluate(evaluation));
    this.evaluationDue = false;
  }

  /** Saves a checkpoint if one is due. Called where one needs the least: between two rollouts. */
  async saveIfDue(): Promise<void> {
    if (this.stepsLeft > 0 && this.done - this.saved >= this.options.checkpointEvery) await this.save();
    this.stepStartedMs = performance.now();
  }

  /**
   * The final checkpoint and, once it is safe, the final evaluation, which may fail.
   *
   * @param measureMore further figures of the finished model
   */
  async finish(measureMore?: () => Promise<Metrics>): Promise<StageResult> {
    const { steps } = this.options;
    const { policy, workspace, evaluated, guard, finalMetrics: metrics } = this;
    workspace.progress.report('save', steps, steps);
    if (this.keepsResume) await workspace.output.resume(steps, (directory) => writeResumeTensors(policy, directory));
    const final = await this.publish({ final: true, metrics });
    return resultOf(workspace, { policy, metrics, final, evaluated, guard }, `${steps} steps`, measureMore);
  }

  private get finalMetrics(): Metrics {
    return { ...withoutTimes(this.metrics), ...this.options.figures };
  }

  /** Publishes the model as it is now, so that a rollback can lead to it. */
  async publishGood(): Promise<void> {
    const { policy, guard, curriculum, finalMetrics: metrics } = this;
    this.workspace.progress.report('save', this.done, this.options.steps);
    await this.workspace.output.good(this.done, async (directory) => {
      await writePolicy(policy, directory);
      await writeState(policy, directory, { metrics, guard, curriculum });
    });
  }

  private get keepsResume(): boolean {
    const { steps, unit = 1, keepOptimizer } = this.options;
    if (steps % unit !== 0 || whyNotLonger(this.workspace.file.settings) !== undefined) return false;
    return keepOptimizer ?? resumeBytes(this.policy) <= smallBytes;
  }

  /** Saves a checkpoint that the stage goes on from. */
  async save(): Promise<void> {
    this.workspace.progress.report('save', this.done, this.options.steps);
    const { evaluationDue } = this;
    await this.publish({ final: false, metrics: withoutTimes(this.metrics), evaluationDue });
    this.saved = this.done;
    this.workspace.progress.saved(this.done);
  }

  private publish({
    final,
    metrics,
    evaluationDue,
  }: {
    readonly final: boolean;
    readonly metrics: Metrics;
    readonly evaluationDue?: boolean;
  }): Promise<PublishedCheckpoint> {
    return this.workspace.output.checkpoint(this.done, { final }, async (directory) => {
      await writePolicy(this.policy, directory);
      const { policy, guard, curriculum } = this;
      await writeState(policy, directory, { metrics, evaluationDue, guard, curriculum });
      if (final) return;
      await writeResumeTensors(this.policy, directory);
      await this.alsoKeep?.(directory);
    });
  }

  private async evaluate(settings: EvaluationSettings): Promise<Metrics> {
    const { workspace, policy, evaluated } = this;
    workspace.progress.report('evaluate', this.done, this.options.steps);
    const { metrics, samples } = await evaluatePolicy(policy, settings, workspace, evaluated);
    await workspace.log.evaluation(this.done, metrics, samples);
    return metrics;
  }

  get place(): string {
    return `step ${this.done} of ${this.options.steps}`;
  }
}

function requireFinite(metrics: Metrics, step: number): void {
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (bad) throw new DivergedError(`step ${step}: ${bad[0]} is ${bad[1]}; expected a finite number`);
}

/** Timings differ from run to run and have no place in a checkpoint, whose digest is a function of the manifest. */
function withoutTimes(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !/time|_per_s|ms_p95/.test(name)));
}
