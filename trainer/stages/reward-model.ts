import { lengthBias, type ScoredPair } from '../algorithms/length-bias.ts';
import { learningRateAt } from '../algorithms/schedule.ts';
import { mean } from '../algorithms/statistics.ts';
import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { RewardModelSettings } from '../contract/settings.ts';
import { promptBatch } from '../data/prompt-order.ts';
import type { RowList } from '../data/row-list.ts';
import { type Usable, usableRows } from './checked-rows.ts';
import { inGroups } from './completions.ts';
import { loadPolicy } from './load-policy.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import { encodePair } from './pairs.ts';
import { judgePair } from './row-verdicts.ts';
import { finishAgain } from './finish.ts';
import { Training } from './training.ts';
import type { Workspace } from './workspace.ts';

/** Held-out pairs that are scored at a time. */
const scoredAtOnce = 256;

/** Pairwise reward model: −log σ(score(chosen) − score(rejected)), a scalar head on the last token. */
export async function rewardModel(settings: RewardModelSettings, workspace: Workspace): Promise<StageResult> {
  const resumed = await loadPolicy(workspace, { head: 'scalar', trained: {} });
  const { policy } = resumed;
  try {
    const usable = async (part: 'train' | 'heldOut'): Promise<Usable> => {
      const what = `rewardModel.pairs ${settings.pairs.join(', ')}${part === 'heldOut' ? ' (held out)' : ''}`;
      const pairs = await workspace.inputs.rows(settings.pairs, part);
      return usableRows(workspace, pairs, { part, what }, (row) => judgePair(policy, row, settings));
    };
    const heldOut = await usable('heldOut');
    const measureMore = async () => ({ ...heldOut.figures, ...(await heldOutAccuracy(policy, heldOut.rows)) });
    if (resumed.final) return await finishAgain(workspace, resumed, resumed.final, measureMore);
    const { rows, figures } = await usable('train');
    const batch = Math.min(settings.batch, rows.length);
    const steps = Math.ceil((rows.length * settings.epochs) / batch);
    const training = await Training.start(workspace, resumed, {
      ...settings,
      steps,
      figures: { ...figures, ...heldOut.figures },
    });

    while (training.stepsLeft > 0) {
      const { step } = training;
      const pairs = promptBatch(rows, workspace.file.seed, step * batch, batch).map((row) => encodePair(policy, row));
      const weighted = pairs.map((pair) => ({ ...pair, weight: 1 / pairs.length }));
      const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, steps);
      const update = await training.stoppable(() =>
        policy.train({ loss: 'pairwise', pairs: weighted }, learningRate, settings.optimizer),
      );
      await training.report({
        loss: update.loss,
        grad_norm: update.gradNorm,
        learning_rate: learningRate,
        ...pairMetrics(update.scores),
      });
      await training.saveIfDue();
    }
    return await training.finish(measureMore);
  } finally {
    await policy.close();
  }
}

async function heldOutAccuracy(policy: Policy, rows: RowList): Promise<Metrics> {
  if (rows.length === 0) return {};
  const scored: ScoredPair[] = [];
  for (let start = 0; start < rows.length; start += scoredAtOnce) {
    const count = Math.min(scoredAtOnce, rows.length - start);
    const pairs = Array.from({ length: count }, (_, at) => encodePair(policy, rows.at(start + at) as Row));
    const scores = await policy.engine.scores(
      pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]),
    );
    for (const [{ chosen, rejected }, ofPair] of zip(pairs, inGroups(scores, 2))) {
      scored.push({ lengths: [chosen.length, rejected.length], scores: ofPair as [chosen: number, rejected: number] });
    }
  }
  const { accuracy, margin } = pairMetrics(scored.map(({ scores }) => scores));
  const bias = lengthBias(scored);
  return {
    'eval/pair_accuracy': accuracy,
    'eval/margin': margin,
    ...(bias && { 'eval/longer_chosen_frac': bias.longerChosen, 'eval/longer_preferred_frac': bias.longerPreferred }),
  };
}

/** @param scores `[pairs][chosen, rejected]` */
function pairMetrics(scores: readonly (readonly [chosen: number, rejected: number])[]) {
  const flat = scores.flat();
  return {
    accuracy: mean(scores.map(([chosen, rejected]) => Number(chosen > rejected))),
    margin: mean(scores.map(([chosen, rejected]) => chosen - rejected)),
    min_reward: flat.reduce((least, score) => Math.min(least, score), Infinity),
    mean_reward: mean(flat),
    max_reward: flat.reduce((most, score) => Math.max(most, score), -Infinity),
  };
}
