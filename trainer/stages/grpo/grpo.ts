import type { StageResult } from '../../contract/files/progress.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { promptsOf } from '../../data/order/prompt-order.ts';
import { createRewards } from '../../rewards/create-rewards.ts';
import { RewardModules } from '../../rewards/modules/reward-modules.ts';
import { shuffledRewards } from '../../rewards/shuffled-rewards.ts';
import { usableRows } from '../rows/checked-rows.ts';
import { Curriculum } from '../rollout/curriculum.ts';
import { requireMeasured, withControls } from './controls.ts';
import { FurtherColumns } from './further-columns.ts';
import { finishAgain, finishRolledBack } from '../training/finish.ts';
import { Gradable } from '../rows/gradable.ts';
import { Guard } from './guard.ts';
import { Judges } from '../policy/judges.ts';
import { loadPolicy } from '../training/load-policy.ts';
import { logCompletions } from '../rollout/log-completions.ts';
import { InputModels } from '../policy/input-models.ts';
import type { Policy } from '../policy/policy.ts';
import { updatePolicy } from './policy-update.ts';
import { miniBatches, rollOut, type Rollout } from '../rollout/rollout.ts';
import type { KeptGuard } from '../training/resume-state.ts';
import { readRollout, writeRollout } from '../rollout/rollout-file.ts';
import { judgePrompt } from '../rows/row-verdicts.ts';
import { warnOfLength, warnOfTruncation } from '../policy/sampling-warnings.ts';
import { Training } from '../training/training.ts';
import { warnOfUnscored } from '../rollout/unscored-warning.ts';
import { usesReference } from '../checks/uses-reference.ts';
import type { Workspace } from '../workspace/workspace.ts';

/**
 * Group relative policy optimisation: R1-Zero from a base model, reasoning RL, and the final RL with reward models.
 *
 * Source: DeepSeekMath, arXiv:2402.03300, §4; DeepSeek-R1, arXiv:2501.12948v2.
 */
export async function grpo(settings: GrpoSettings, workspace: Workspace): Promise<StageResult> {
  requireMeasured(workspace);
  const end = await learn(settings, workspace);
  // The model that was trained is closed by now: there may be memory for one.
  const result = 'rolledBack' in end ? await finishRolledBack(workspace, end.rolledBack, end.step) : end.result;
  return withControls(workspace, result, (control, its) => grpo(control.grpo ?? settings, its));
}

/** What the recipe made, or that its guard has ended it at a step. */
type End = { readonly result: StageResult } | { readonly rolledBack: KeptGuard; readonly step: number };

async function learn(settings: GrpoSettings, workspace: Workspace): Promise<End> {
  const unit = updatesPerRollout(settings);
  const resumed = await loadPolicy(workspace, { trained: { unit }, reference: usesReference(settings) });
  const { policy } = resumed;
  const models = new InputModels(workspace);
  let judges: Judges | undefined;
  let modules: RewardModules | undefined;
  const { seed, stage } = workspace.file;
  try {
    if (resumed.final) return { result: await finishAgain(workspace, resumed, resumed.final) };
    if (resumed.guard?.rolledBack) return { rolledBack: resumed.guard, step: resumed.step };
    judges = await Judges.open(settings, workspace, models);
    modules = await RewardModules.open(settings.rewards, workspace.stop.signal);
    warnOfTruncation(settings.sampling, workspace.warnings);
    warnOfLength(settings.sampling, policy.config, workspace.warnings);
    const what = `grpo.prompts ${settings.prompts.join(', ')}`;
    const gradable = new Gradable();
    const isGraded = settings.curriculum !== undefined || settings.rewards.some(({ accuracy }) => accuracy);
    const further = new FurtherColumns();
    const needed = modules.columns;
    const require = async (): Promise<void> => {
      further.require(needed, what);
      if (isGraded) await gradable.require(workspace.file.datasets, what);
    };
    const { rows, figures } = await usableRows(
      workspace,
      await workspace.inputs.rows(settings.prompts, 'train'),
      { part: 'train', what, require },
      (row) => {
        gradable.see(row);
        further.see(row);
        return judgePrompt(policy, row, settings);
      },
    );
    const plain = promptsOf(rows, seed, settings.promptWeights);
    const isMixture = settings.promptWeights !== undefined;
    const former = await workspace.inputs.passRates(settings.curriculum?.from);
    const kept = resumed.curriculum;
    const curriculum = settings.curriculum && new Curriculum(rows, { seed, plain, isMixture, kept, former });
    const { prompts } = curriculum ?? { prompts: plain };
    const scorers = {
      scoreWithModel: models.score,
      scoreWithModule: modules.score,
      scoreWithJudge: judges.score,
      verify: workspace.verifiers.verify,
    };
    const paid = createRewards(settings.rewards, { steps: settings.steps, ...scorers });
    const rewards = workspace.control === 'shuffled' ? shuffledRewards(paid, seed, stage) : paid;
    const training = await Training.start(workspace, resumed, { ...settings, unit, figures });
    const guard = await Guard.open(settings, { policy, models, judges, workspace });

    const { takeMetrics } = judges;
    const { distillation } = settings;
    const teacher = distillation && (() => models.open(distillation.from, 'lm'));
    const rolloutFrom = async (step: number): Promise<Rollout> => {
      const { verify } = workspace.verifiers;
      const request = { settings, seed, stage, rewards, prompts, verify, teacher, step };
      const { rollout, judged, drawn } = await training.stoppable(() => rollOut(policy, request));
      warnOfUnscored(step + 1, judged, workspace.warnings);
      await logCompletions(workspace.log, settings, step, judged);
      guard?.see(step, rollout.metrics);
      const measured = curriculum?.see(drawn);
      training.curriculum = curriculum?.kept;
      return { ...rollout, metrics: { ...rollout.metrics, ...measured, ...takeMetrics() } };
    };

    let ended = await guard?.endOf(training);
    while (ended === undefined && training.stepsLeft > 0) {
      const { step } = training;
      const updatesDone = step % updatesPerRollout(settings); // by an attempt that was stopped within a rollout
      const rollout = updatesDone > 0 ? await readRollout(resumed.checkpoint) : await rolloutFrom(step);
      training.alsoKeep = (directory) => writeRollout(directory, rollout);
      const updates = [...miniBatches(rollout, settings).entries()].slice(updatesDone);
      for (const [at, miniBatch] of updates.slice(0, training.stepsLeft)) {
        const update = await training.stoppable(() => updatePolicy(settings, policy, miniBatch, training.step));
        const refresh = isRefreshDue(settings, training.step);
        if (refresh) await refreshReference(settings, policy);
        await training.report({
          ...rollout.metrics,
          ...(at === 0 && { num_tokens: rollout.tokens }), // once, so that it can be summed
          ...update,
          ...(usesReference(settings) && { ref_refresh: Number(refresh) }),
        });
      }
      training.alsoKeep = undefined;
      ended = await guard?.endOf(training);
      await training.saveIfDue();
    }
    if (ended) return { rolledBack: ended, step: training.step };
    return { result: await training.finish() };
  } finally {
    modules?.close();
    await judges?.close();
    await models.close();
    await policy.close();
  }
}

async function refreshReference({ kl }: GrpoSettings, policy: Policy): Promise<void> {
  await (kl.referenceMixup === 1 ? policy.refreshReference() : policy.mixReference(kl.referenceMixup));
}

/** Whether the reference is replaced by the policy after this step, counted from 0. */
function isRefreshDue(settings: GrpoSettings, step: number): boolean {
  const { referenceEvery } = settings.kl;
  return usesReference(settings) && referenceEvery > 0 && (step + 1) % referenceEvery === 0;
}
