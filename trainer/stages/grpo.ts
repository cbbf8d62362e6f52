import { policyMetrics, samplingLogpDifference } from '../algorithms/policy-metrics.ts';
import { learningRateAt } from '../algorithms/schedule.ts';
import { sequenceWeights } from '../algorithms/sequence-weights.ts';
import type { StageResult } from '../contract/progress.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { createRewards } from '../rewards/create-rewards.ts';
import { loadPolicy } from './load-policy.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import { RewardModels } from './reward-models.ts';
import { miniBatches, type RolloutCompletion, rollOut, updatesPerRollout } from './rollout.ts';
import { finishedEarlier } from './success.ts';
import { Training } from './training.ts';
import type { Workspace } from './workspace.ts';

/**
 * Group relative policy optimisation: R1-Zero from a base model, reasoning RL, and the final RL with reward models.
 *
 * Source: DeepSeekMath, arXiv:2402.03300, §4; DeepSeek-R1, arXiv:2501.12948v2.
 */
export async function grpo(settings: GrpoSettings, workspace: Workspace): Promise<StageResult> {
  const resumed = await loadPolicy(workspace, { trained: true, reference: true });
  const { policy } = resumed;
  const models = new RewardModels(workspace);
  try {
    if (resumed.final) return finishedEarlier(resumed.metrics, resumed.final);
    const prompts = await workspace.inputs.rows(settings.prompts, 'train');
    const rewards = createRewards(settings.rewards, { steps: settings.steps, scoreWithModel: models.score });
    const training = await Training.start(workspace, resumed, settings);

    while (training.stepsLeft > 0) {
      const rollout = await rollOut({ settings, workspace, policy, rewards, prompts, step: training.step });
      for (const [at, miniBatch] of miniBatches(rollout, settings).slice(0, training.stepsLeft).entries()) {
        const update = await updatePolicy(settings, policy, miniBatch, training.step);
        const refresh = isReferenceDue(settings, training.step);
        if (refresh) policy.refreshReference();
        await training.report({
          ...rollout.metrics,
          ...(at === 0 && { num_tokens: rollout.tokens }), // once, so that it can be summed
          ...update,
          ref_refresh: Number(refresh),
        });
      }
      await training.saveIfDue(); // only here: completions are not saved
    }
    return await training.finish();
  } finally {
    await models.close();
    await policy.close();
  }
}

/** One optimizer step on a mini-batch of whole groups. */
async function updatePolicy(
  settings: GrpoSettings,
  policy: Policy,
  completions: readonly RolloutCompletion[],
  step: number,
): Promise<Metrics> {
  const weights = sequenceWeights(
    completions.map(({ completionIds, graded }) => (graded ? completionIds.length : 0)),
    { loss: settings.loss, maxNewTokens: settings.sampling.maxNewTokens },
  );
  const sequences = completions.map((completion, at) => ({ ...completion, weight: weights[at] ?? 0 }));
  const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, settings.steps);
  const report = await policy.train(
    {
      loss: 'policy',
      sequences,
      inverseTemperature: 1 / settings.sampling.temperature,
      ratioLow: 1 - settings.clip.low,
      ratioHigh: 1 + settings.clip.high,
      klCoefficient: settings.kl.coefficient,
    },
    learningRate,
    settings.optimizer,
  );
  return {
    ...policyMetrics(
      sequences.map((sequence, at) => ({ ...sequence, probs: report.probs[at] ?? sequence.oldProbs })),
      settings,
    ),
    ...(updatesPerRollout(settings) === 1 &&
      samplingLogpDifference(
        sequences.map(({ oldProbs }) => oldProbs),
        report.probs,
      )),
    loss: report.loss,
    grad_norm: report.gradNorm,
    learning_rate: learningRate,
  };
}

/** Whether the reference is renewed after this step, counted from 0. */
function isReferenceDue({ kl: { referenceEvery } }: GrpoSettings, step: number): boolean {
  return referenceEvery > 0 && (step + 1) % referenceEvery === 0;
}
