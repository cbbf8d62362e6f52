import { learningRateAt } from '../algorithms/schedule.ts';
import { mean } from '../algorithms/statistics.ts';
import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { RewardModelSettings } from '../contract/settings.ts';
import { promptBatch } from '../data/prompt-order.ts';
import { inGroups } from './completions.ts';
import { encodeResponse } from './encoding.ts';
import { loadPolicy } from './load-policy.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import { finishedEarlier } from './success.ts';
import { Training } from './training.ts';
import type { Workspace } from './workspace.ts';

interface Pair {
  readonly chosen: number[];
  readonly rejected: number[];
}

/** Pairwise reward model: −log σ(score(chosen) − score(rejected)), a scalar head on the last token. */
export async function rewardModel(settings: RewardModelSettings, workspace: Workspace): Promise<StageResult> {
  const resumed = await loadPolicy(workspace, { head: 'scalar', trained: true });
  const { policy } = resumed;
  try {
    if (resumed.final) return finishedEarlier(resumed.metrics, resumed.final);
    const rows = await workspace.inputs.rows(settings.pairs, 'train');
    const heldOut = await workspace.inputs.rows(settings.pairs, 'heldOut');
    const batch = Math.min(settings.batch, rows.length);
    const steps = Math.ceil((rows.length * settings.epochs) / batch);
    const training = await Training.start(workspace, resumed, { ...settings, steps });

    while (training.stepsLeft > 0) {
      const { step } = training;
      const pairs = promptBatch(rows, workspace.file.seed, step * batch, batch).map((row) => encodePair(policy, row));
      const weighted = pairs.map((pair) => ({ ...pair, weight: 1 / pairs.length }));
      const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, steps);
      const update = await policy.train({ loss: 'pairwise', pairs: weighted }, learningRate, settings.optimizer);
      await training.report({
        loss: update.loss,
        grad_norm: update.gradNorm,
        learning_rate: learningRate,
        ...pairMetrics(update.scores),
      });
      await training.saveIfDue();
    }
    return await training.finish(() => heldOutAccuracy(policy, heldOut));
  } finally {
    await policy.close();
  }
}

function encodePair(policy: Policy, row: Row): Pair {
  if (row.chosen === undefined || row.rejected === undefined) {
    throw new UserError(`row ${row.id}: expected both chosen and rejected for a reward model`);
  }
  return {
    chosen: encodeResponse(policy, row, row.chosen),
    rejected: encodeResponse(policy, row, row.rejected),
  };
}

async function heldOutAccuracy(policy: Policy, rows: readonly Row[]): Promise<Metrics> {
  if (rows.length === 0) return {};
  const pairs = rows.map((row) => encodePair(policy, row));
  const scores = await policy.engine.scores(
    pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]),
  );
  const { accuracy, margin } = pairMetrics(inGroups(scores, 2) as [chosen: number, rejected: number][]);
  return { 'eval/pair_accuracy': accuracy, 'eval/margin': margin };
}

/** @param scores `[pairs][chosen, rejected]` */
function pairMetrics(scores: readonly (readonly [chosen: number, rejected: number])[]) {
  const flat = scores.flat();
  return {
    accuracy: mean(scores.map(([chosen, rejected]) => Number(chosen > rejected))),
    margin: mean(scores.map(([chosen, rejected]) => chosen - rejected)),
    min_reward: Math.min(...flat),
    mean_reward: mean(flat),
    max_reward: Math.max(...flat),
  };
}
