import { groupAdvantages } from '../algorithms/advantages.ts';
import { policyMetrics, samplingLogpDifference } from '../algorithms/policy-metrics.ts';
import { sequenceWeights } from '../algorithms/sequence-weights.ts';
import { randomKey } from '../algorithms/random.ts';
import { learningRateAt } from '../algorithms/schedule.ts';
import type { Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { promptBatch } from '../data/prompt-order.ts';
import { createRewards, type Rewards, type ScoredCompletion } from '../rewards/create-rewards.ts';
import { completionMetrics, rewardMetrics, type ScoredSample } from '../rewards/metrics.ts';
import { completeRows, type RowCompletion, type SampleKey } from './completions.ts';
import { Policy } from './policy.ts';
import { RewardModels } from './reward-models.ts';
import { train } from './training-loop.ts';
import type { Metrics, Sample, Workspace } from './workspace.ts';

/** One completion with everything its update needs. */
interface Trained {
  readonly promptIds: number[];
  readonly completionIds: number[];
  /** Probabilities under the policy that sampled it. */
  readonly oldProbs: Float32Array;
  readonly refProbs: Float32Array;
  readonly advantage: number;
  /** False where the verifier abstained: such a completion teaches nothing. */
  readonly graded: boolean;
}

interface Rollout {
  /** In the order of the prompts, siblings side by side. */
  readonly completions: readonly Trained[];
  readonly metrics: Metrics;
}

/**
 * Group relative policy optimisation: R1-Zero from a base model, reasoning RL, and the final RL with reward models.
 *
 * Source: DeepSeekMath, arXiv:2402.03300, §4; DeepSeek-R1, arXiv:2501.12948v2.
 */
export async function grpo(settings: GrpoSettings, workspace: Workspace): Promise<StageResult> {
  const { policy, step: from, final } = await Policy.load(workspace, { trained: true, reference: true });
  const models = new RewardModels(workspace);
  try {
    if (final) return workspace.finish(final, 'finished by an earlier attempt', final.metrics);
    const prompts = await workspace.loadRows(settings.prompts, 'train');
    const stepsOfRollout = settings.stepsPerRollout * settings.epochsPerRollout;
    const rewards = createRewards(settings.rewards, { steps: settings.steps, scoreWithModel: models.score });
    let rollout: Rollout | undefined;

    return await train({
      workspace,
      policy,
      from,
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

interface RolloutRequest {
  readonly settings: GrpoSettings;
  readonly workspace: Workspace;
  readonly policy: Policy;
  readonly rewards: Rewards;
  readonly prompts: readonly Row[];
  readonly step: number;
  readonly index: number;
}

/** Samples groups, scores them, and turns rewards into advantages. */
async function rollOut({
  settings,
  workspace,
  policy,
  rewards,
  prompts,
  step,
  index,
}: RolloutRequest): Promise<Rollout> {
  const { seed, stage } = workspace.file;
  const startedMs = performance.now();
  const size = settings.promptsPerStep * settings.stepsPerRollout;
  const rows = promptBatch(prompts, seed, index * size, size);
  // The place of the row in the rollout is part of the key: a small dataset may come twice.
  const key = (row: Row, sample: number, place: number) =>
    randomKey(seed, stage, 'rollout', index, place, row.id, sample);
  const groups = await completeRows(policy, rows, settings.group, settings.sampling, key);
  const sampledMs = performance.now();
  const scored = await scoreGroups(rows, groups, rewards, step, key);
  const advantages = groupAdvantages(
    scored.map((group) => group.map(({ reward }) => reward)),
    { epsilon: settings.advantageEpsilon, loss: settings.loss },
  ).flat();
  await saveSamples(workspace, step, groups, scored);

  const completions = groups.flat();
  const sequences = completions.map(toSequence);
  const { temperature } = settings.sampling;
  const refProbs = await policy.engine.tokenProbabilities(sequences, { set: 'reference', temperature });
  // With several updates a rollout, only the first would compare equal weights; so compare before any of them.
  const check =
    settings.stepsPerRollout * settings.epochsPerRollout > 1
      ? await policy.engine.tokenProbabilities(sequences, { set: 'policy', temperature })
      : undefined;
  const tokens = completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  const metrics = {
    ...rewardMetrics(scored, rewards.names),
    ...completionMetrics(scored.flat()),
    ...(check &&
      samplingLogpDifference(
        completions.map(({ probs }) => probs),
        check,
      )),
    num_tokens: tokens,
    tokens_per_s: (tokens / (sampledMs - startedMs)) * 1000,
  };
  return {
    metrics,
    completions: completions.map((completion, at) => ({
      ...toSequence(completion),
      oldProbs: completion.probs,
      refProbs: refProbs[at] ?? completion.probs,
      advantage: advantages[at] ?? 0,
      graded: scored.flat()[at]?.reward !== undefined,
    })),
  };
}

/** Scores of every completion, `[groups][samples]`. */
async function scoreGroups(
  rows: readonly Row[],
  groups: readonly (readonly RowCompletion[])[],
  rewards: Rewards,
  step: number,
  key: SampleKey,
): Promise<ScoredSample[][]> {
  const completions = groups.flatMap((group, place) => {
    const row = rows[place] as Row;
    return group.map(({ text, tokenIds, finish }, sample) => ({
      row,
      text,
      tokens: tokenIds.length,
      terminated: finish === 'stop',
      key: key(row, sample, place),
    }));
  });
  const scored = await rewards.score(completions, step + 1);
  const samples = completions.map((completion, at) => ({ ...completion, ...(scored[at] as ScoredCompletion) }));
  const size = groups[0]?.length ?? 0;
  return groups.map((_, place) => samples.slice(place * size, (place + 1) * size));
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
  const updates = settings.stepsPerRollout * settings.epochsPerRollout;
  return {
    ...policyMetrics(
      sequences.map((sequence, at) => ({ ...sequence, probs: report.probs[at] ?? sequence.oldProbs })),
      settings,
    ),
    ...(updates === 1 &&
      samplingLogpDifference(
        sequences.map(({ oldProbs }) => oldProbs),
        report.probs,
      )),
    loss: report.loss,
    grad_norm: report.gradNorm,
    learning_rate: learningRate,
  };
}

function toSequence({ promptIds, tokenIds }: RowCompletion): { promptIds: number[]; completionIds: number[] } {
  return { promptIds: [...promptIds], completionIds: [...tokenIds] };
}

/** Steps between two looks at a completion in the report. */
const samplesEvery = 20;

async function saveSamples(
  workspace: Workspace,
  step: number,
  groups: readonly (readonly RowCompletion[])[],
  scored: readonly (readonly ScoredSample[])[],
): Promise<void> {
  if (step % samplesEvery !== 0) return;
  const samples = scored.slice(0, 2).flatMap((group, place): Sample[] => {
    const [first] = group;
    if (!first) return [];
    const { row, reward, scores } = first;
    return [
      {
        dataset: row.dataset,
        prompt: row.messages.map(({ content }) => content).join('\n'),
        completion: groups[place]?.[0]?.text ?? '',
        ...(reward !== undefined && { reward }),
        scores,
        ...(row.answer && { gold: row.answer.gold }),
      },
    ];
  });
  await workspace.saveSamples(step, samples);
}
