import { policyMetrics, samplingLogpDifference } from '../algorithms/policy-metrics.ts';
import { learningRateAt } from '../algorithms/schedule.ts';
import { sequenceWeights } from '../algorithms/sequence-weights.ts';
import type { StageResult } from '../contract/progress.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { createRewards } from '../rewards/create-rewards.ts';
import { Policy } from './policy.ts';
import { RewardModels } from './reward-models.ts';
import { type Rollout, rollOut, updatesPerRollout } from './rollout.ts';
import { train } from './training-loop.ts';
import type { Metrics } from './metrics.ts';
import type { Workspace } from './workspace.ts';

/**
 * Group relative policy optimisation: R1-Zero from a base model, reasoning RL, and the final RL with reward models.
 *
 * Source: DeepSeekMath, arXiv:2402.03300, §4; DeepSeek-R1, arXiv:2501.12948v2.
 */
export async function grpo(settings: GrpoSettings, workspace: Workspace): Promise<StageResult> {
  const { policy, step: from, metrics, final } = await Policy.load(workspace, { trained: true, reference: true });
  const models = new RewardModels(workspace);
  try {
    if (final) return workspace.finish(final, 'finished by an earlier attempt', metrics);
    const prompts = await workspace.loadRows(settings.prompts, 'train');
    const stepsOfRollout = updatesPerRollout(settings);
    const rewards = createRewards(settings.rewards, { steps: settings.steps, scoreWithModel: models.score });
    let rollout: Rollout | undefined;

    return await train({
      workspace,
      policy,
      from,
      metrics,
      steps: settings.steps,
      checkpointEvery: settings.checkpointEvery,
      unit: stepsOfRollout,
      async run(step) {
        const withinRollout = step % stepsOfRollout;
        if (withinRollout === 0 || !rollout) {
          rollout = await rollOut({
            settings,
            workspace,
            policy,
            rewards,
            prompts,
            step,
            index: Math.floor(step / stepsOfRollout),
          });
        }
        const miniBatch = withinRollout % settings.stepsPerRollout;
        const update = await updatePolicy(settings, policy, rollout, miniBatch, step);
        const { referenceEvery } = settings.kl;
        const refresh = referenceEvery > 0 && (step + 1) % referenceEvery === 0;
        if (refresh) policy.refreshReference();
        return { ...rollout.metrics, ...update, ref_refresh: Number(refresh) };
      },
    });
  } finally {
    await models.close();
    await policy.close();
  }
}

/** One optimizer step on a mini-batch of whole groups. */
async function updatePolicy(
  settings: GrpoSettings,
  policy: Policy,
  rollout: Rollout,
  miniBatch: number,
  step: number,
): Promise<Metrics> {
  const size = settings.promptsPerStep * settings.group;
  const completions = rollout.completions.slice(miniBatch * size, (miniBatch + 1) * size);
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
