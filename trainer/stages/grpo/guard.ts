import { join } from 'node:path';
import { look, type Scores } from '../../algorithms/guard.ts';
import { metricsName } from '../../contract/files/checkpoint.ts';
import { onePointARollout } from '../../contract/settings/curve.ts';
import { DivergedError, UserError } from '../../contract/process/errors.ts';
import { guardFigure, type GuardSettings } from '../../contract/settings/guard.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { readSeries } from '../../report/jsonl.ts';
import type { Judge, JudgeFigures } from '../../rewards/judge/judge.ts';
import { withinScope } from '../../rewards/responses/scope.ts';
import { correctShares, meanScores } from '../evaluation/evaluation.ts';
import type { Judges } from '../policy/judges.ts';
import { type EvaluationData, loadEvaluationData } from '../rows/evaluation-rows.ts';
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
  readonly measure: () => Promise<Seen>;
  readonly rewards: { readonly step: number; readonly reward: number }[];
}

interface Seen {
  /** By prompt. */
  readonly scores: Scores;
  /** What its judge was asked. */
  readonly asked?: JudgeFigures;
}

/** What a guard looks with. */
interface Looker {
  readonly policy: Policy;
  readonly models: InputModels;
  readonly judges: Judges;
  readonly workspace: Workspace;
}

/** Looks on with a verifier, a reward model or a judge of its own while a stage learns from rewards, and ends it where its model gets worse. */
export class Guard {
  private readonly opened: Opened;

  private constructor(opened: Opened) {
    this.opened = opened;
  }

  /** @throws UserError for rows that cannot be used, or too few of them */
  static async open(grpo: GrpoSettings, looker: Looker): Promise<Guard | undefined> {
    const { policy, workspace } = looker;
    const { guard: settings, sampling, tools, maxToolCalls, maxToolTokens, maxPromptTokens, overlong } = grpo;
    if (settings === undefined) return undefined;
    const prompted = { ...(tools && { tools }), maxToolCalls, maxToolTokens, maxPromptTokens, overlong };
    const evaluation = { ...settings, sampling: settings.sampling ?? sampling, ...prompted };
    const data = await loadEvaluationData(policy, evaluation, workspace, {
      at: 'grpo.guard',
      part: 'guard',
      graded: guardFigure(settings) === 'pass@1',
    });
    const prompts = data.parts.reduce((sum, { rows }) => sum + rows.length, 0);
    if (prompts < settings.minPrompts) {
      throw new UserError(
        `grpo.guard.data ${settings.data.join(', ')}: found ${prompts} prompts, expected at least ${settings.minPrompts} (grpo.guard.minPrompts)`,
      );
    }
    const unit = updatesPerRollout(grpo);
    const rewards = await loggedRewards(workspace, unit);
    const measure = measureOf(settings, evaluation, data, looker);
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
    const { scores, asked } = await training.stoppable(measure);
    if (settings.judge) requireVerdicts(scores, settings);
    const since = this.opened.rewards.filter((each) => each.step > (known?.good.step ?? 0));
    const rewards = since.map(({ reward }) => reward);
    const { tolerance } = settings;
    const seen = look(known, { step, figure: guardFigure(settings), scores, rewards, tolerance });
    const guard = { ...seen, ...(asked && { asked }) };
    training.guard = guard;
    await workspace.log.metrics(step, guardMetrics(workspace, guard));
    warnOfGuard(workspace, guard);
    if (settings.onRegression === 'Rollback' && guard.good.step === step) await training.publishGood();
  }
}

function measureOf(
  { rewardModel, judge: judgeSettings }: GuardSettings,
  evaluation: EvaluationSettings,
  data: EvaluationData,
  { policy, models, judges, workspace }: Looker,
): () => Promise<Seen> {
  const { seed } = workspace.file;
  if (judgeSettings) {
    const { scope } = judgeSettings;
    const judge = judges.ofGuard as Judge;
    return async () => {
      const scores = await meanScores(policy, data, evaluation, {
        seed,
        score: (all) =>
          judge.score(all.map(({ row, text, opening }) => ({ row, text: withinScope(scope, text, opening) }))),
      });
      return { scores, asked: judge.takeFigures() };
    };
  }
  if (rewardModel) {
    const score: Parameters<typeof meanScores>[3]['score'] = (all) => models.score(rewardModel, all);
    return async () => ({ scores: await meanScores(policy, data, evaluation, { seed, score }) });
  }
  return async () => ({ scores: await correctShares(policy, data, evaluation, workspace) });
}

/** A judge that cannot be read sees nothing get worse. @throws UserError if there are too few verdicts */
function requireVerdicts(scores: Scores, { data, minPrompts }: GuardSettings): void {
  const judged = Object.keys(scores).length;
  if (judged >= minPrompts) return;
  throw new UserError(
    `grpo.guard.judge: found verdicts that can be read on ${judged} prompts of ${data.join(', ')}, expected on at least ${minPrompts} (grpo.guard.minPrompts)`,
  );
}

/** Of the rollouts that earlier attempts have learned from. */
async function loggedRewards({ file }: Workspace, unit: number): Promise<Opened['rewards']> {
  const curve = (await readSeries(join(file.out, metricsName))).get('reward') ?? { steps: [], values: [] };
  const { steps, values } = onePointARollout(curve, unit);
  return steps.map((step, at) => ({ step, reward: values[at] as number }));
}
