import { learningRateAt } from '../algorithms/schedule.ts';
import { mean } from '../algorithms/statistics.ts';
import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { RewardModelSettings } from '../contract/settings.ts';
import { promptBatch } from '../data/prompt-order.ts';
import { Policy } from './policy.ts';
import { train } from './training-loop.ts';
import type { Metrics } from './metrics.ts';
import type { Workspace } from './workspace.ts';

interface Pair {
  readonly chosen: number[];
  readonly rejected: number[];
}

/** Pairwise reward model: −log σ(score(chosen) − score(rejected)), a scalar head on the last token. */
export async function rewardModel(settings: RewardModelSettings, workspace: Workspace): Promise<StageResult> {
  const { policy, step: from, metrics, final } = await Policy.load(workspace, { head: 'scalar', trained: true });
  try {
    if (final) return workspace.finish(final, 'finished by an earlier attempt', metrics);
    const rows = await workspace.loadRows(settings.pairs, 'train');
    const heldOut = await workspace.loadRows(settings.pairs, 'heldOut');
    const batch = Math.min(settings.batch, rows.length);
    const steps = Math.ceil((rows.length * settings.epochs) / batch);

    return await train({
      workspace,
      policy,
      from,
      metrics,
      steps,
      checkpointEvery: settings.checkpointEvery,
      async run(step) {
        const pairs = promptBatch(rows, workspace.file.seed, step * batch, batch).map((row) => encodePair(policy, row));
        const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, steps);
        const weighted = pairs.map((pair) => ({ ...pair, weight: 1 / pairs.length }));
        const report = await policy.train({ loss: 'pairwise', pairs: weighted }, learningRate, settings.optimizer);
        return {
          loss: report.loss,
          grad_norm: report.gradNorm,
          learning_rate: learningRate,
          ...pairMetrics(report.scores ?? []),
        };
      },
      finalMetrics: () => heldOutAccuracy(policy, heldOut),
    });
  } finally {
    await policy.close();
  }
}

function encodePair(policy: Policy, row: Row): Pair {
  if (row.chosen === undefined || row.rejected === undefined) {
    throw new UserError(`row ${row.id}: expected both chosen and rejected for a reward model`);
  }
  return {
    chosen: policy.encodeResponse(row.messages, row.chosen),
    rejected: policy.encodeResponse(row.messages, row.rejected),
  };
}

async function heldOutAccuracy(policy: Policy, rows: readonly Row[]): Promise<Metrics> {
  if (rows.length === 0) return {};
  const pairs = rows.map((row) => encodePair(policy, row));
  const scores = await policy.engine.scores(
    pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]),
  );
  const { accuracy = 0, margin = 0 } = pairMetrics(
    pairs.map((_, at) => [scores[2 * at] ?? 0, scores[2 * at + 1] ?? 0]),
  );
  return { 'eval/pair_accuracy': accuracy, 'eval/margin': margin };
}

/** @param scores `[pairs][chosen, rejected]` */
function pairMetrics(scores: readonly (readonly [chosen: number, rejected: number])[]): Metrics {
  const flat = scores.flat();
  return {
    accuracy: mean(scores.map(([chosen, rejected]) => Number(chosen > rejected))),
    margin: mean(scores.map(([chosen, rejected]) => chosen - rejected)),
    min_reward: Math.min(...flat),
    mean_reward: mean(flat),
    max_reward: Math.max(...flat),
  };
}
