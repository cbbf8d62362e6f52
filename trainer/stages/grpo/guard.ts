import { join } from 'node:path';
import { look, type Scores } from '../../algorithms/guard.ts';
import { metricsName } from '../../contract/files/checkpoint.ts';
import { onePointARollout } from '../../contract/settings/curve.ts';
import { DivergedError, UserError } from '../../contract/process/errors.ts';
import { guardFigure, type GuardSettings } from '../../contract/settings/guard.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { readSeries } from '../../report/jsonl.ts';
import { correctShares, meanScores } from '../evaluation/evaluation.ts';
import { loadEvaluationData } from '../rows/evaluation-rows.ts';
import { guardMessage, guardMetrics, warnOfGuard } from '../training/guard-record.ts';
import type { InputModels } from '../policy/input-models.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import type { KeptGuard } from '../training/resume-state.ts';
import type { Training } from '../training/training.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface Opened {
  readonly workspace: Workspace;
  readonly settings: GuardSettings;
  /** Optimizer steps that learn from one rollout. */
  readonly unit: number;
  /** By prompt. */
  readonly measure: () => Promise<Scores>;
  readonly rewards: { readonly step: number; readonly reward: number }[];
}

/** Looks on with a verifier or a reward model of its own while a stage learns from rewards, and ends it where its model gets worse. */
export class Guard {
  private readonly opened: Opened;

  private constructor(opened: Opened) {
    this.opened = opened;
  }

  /** @throws UserError for rows that cannot be used, or too few of them */
  static async open(
    grpo: GrpoSettings,
    { policy, models, workspace }: { policy: Policy; models: InputModels; workspace: Workspace },
  ): Promise<Guard | undefined> {
    const { guard: settings, sampling, tools, maxToolCalls, maxToolTokens, maxPromptTokens, overlong } = grpo;
    if (settings === undefined) return undefined;
    const prompted = { ...(tools && { tools }), maxToolCalls, maxToolTokens, maxPromptTokens, overlong };
    const evaluation = { ...settings, sampling: settings.sampling ?? sampling, ...prompted };
    const data = await loadEvaluationData(policy, evaluation, workspace, {
      at: 'grpo.guard',
      part: 'guard',
      graded: settings.rewardModel === undefined,
    });
    const prompts = data.parts.reduce((sum, { rows }) => sum + rows.length, 0);
    if (prompts < settings.minPrompts) {
      throw new UserError(
        `grpo.guard.data ${settings.data.join(', ')}: found ${prompts} prompts, expected at least ${settings.minPrompts} (grpo.guard.minPrompts)`,
      );
    }
    const unit = updatesPerRollout(grpo);
    const rewards = await loggedRewards(workspace, unit);
    const { rewardModel } = settings;
    const { seed } = workspace.file;
    const measure =
      rewardModel === undefined
        ? () => correctShares(policy, data, evaluation, workspace)
        : () => meanScores(policy, data, evaluation, { seed, score: (all) => models.score(rewardModel, all) });
    return new Guard({ workspace, settings, unit, measure, rewards });
  }

  /** @param step optimizer steps before the rollout */
  see(step: number, { reward }: Metrics): void {
    if (reward !== undefined) this.opened.rewards.push({ step: step + 1, reward });
  }

  /**
   * Looks at the model where that is due: between two rollouts, once for a step.
   *
   * @returns what it has seen if it ends the stage, whose result is then the model of the good step
   * @throws DivergedError if the model is worse and the stage shall stop
   */
  async endOf(training: Training): Promise<KeptGuard | undefined> {
    const { onRegression } = this.opened.settings;
    if (this.isDue(training)) await this.look(training);
    const { guard } = training;
    if (guard?.alarm === undefined || onRegression === 'Continue') return undefined;
    if (onRegression === 'Stop') throw new DivergedError(guardMessage(guard, 'Stop') ?? '');
    const ended = { ...guard, rolledBack: true } as const;
    training.guard = ended;
    await training.save(); // another attempt need not find it out again
    return ended;
  }

  private isDue({ step, stepsLeft, guard }: Training): boolean {
    const { settings, unit } = this.opened;
    if (guard === undefined) return true;
    const isBetweenRollouts = step % unit === 0 || stepsLeft === 0;
    return isBetweenRollouts && Math.floor(step / settings.every) > Math.floor(guard.last.step / settings.every);
  }

  private async look(training: Training): Promise<void> {
    const { workspace, settings, measure } = this.opened;
    const { step, guard: known } = training;
    workspace.progress.report('guard', step, step + training.stepsLeft);
    const scores = await training.stoppable(measure);
    const since = this.opened.rewards.filter((each) => each.step > (known?.good.step ?? 0));
    const rewards = since.map(({ reward }) => reward);
    const guard = look(known, { step, figure: guardFigure(settings), scores, rewards, tolerance: settings.tolerance });
    training.guard = guard;
    await workspace.log.metrics(step, guardMetrics(workspace, guard));
    warnOfGuard(workspace, guard);
    if (settings.onRegression === 'Rollback' && guard.good.step === step) await training.publishGood();
  }
}

/** Of the rollouts that earlier attempts have learned from. */
async function loggedRewards({ file }: Workspace, unit: number): Promise<Opened['rewards']> {
  const curve = (await readSeries(join(file.out, metricsName))).get('reward') ?? { steps: [], values: [] };
  const { steps, values } = onePointARollout(curve, unit);
  return steps.map((step, at) => ({ step, reward: values[at] as number }));
}
