import { lengthBias, type ScoredPair } from '../algorithms/length-bias.ts';
import { mean } from '../algorithms/statistics.ts';
import { zip } from '../algorithms/zip.ts';
import { rewardScope, type RewardModelSettings } from '../contract/settings.ts';
import { inGroups } from './completions.ts';
import type { Metrics } from './metrics.ts';
import { chunksOf, type Objective, rewardFigures } from './objective.ts';
import { encodePair } from './pairs.ts';
import type { Policy } from './policy.ts';
import { judgePair } from './row-verdicts.ts';

/** The chosen one of two answers scores higher: −log σ(score(chosen) − score(rejected)). */
export function pairwise(policy: Policy, settings: RewardModelSettings): Objective {
  const { pairs: names = [], optimizer, centerRewardsCoefficient: centering } = settings;
  const scope = rewardScope(settings);
  return {
    field: 'pairs',
    names,
    judge: (row) => judgePair(policy, row, { ...settings, scope }),
    async step(rows, learningRate) {
      const pairs = rows.map((row) => ({
        ...encodePair(policy, row, scope),
        weight: 1 / rows.length,
        margin: row.margin ?? 0,
      }));
      const { loss, gradNorm, scores } = await policy.train(
        { loss: 'pairwise', centering, pairs },
        learningRate,
        optimizer,
      );
      return {
        loss,
        grad_norm: gradNorm,
        learning_rate: learningRate,
        ...pairFigures(scores),
        ...rewardFigures(scores.flat()),
      };
    },
    async measure(rows) {
      if (rows.length === 0) return {};
      const scored: ScoredPair[] = [];
      for (const chunk of chunksOf(rows)) {
        const pairs = chunk.map((row) => encodePair(policy, row, scope));
        // oxlint-disable-next-line no-await-in-loop -- one chunk is in memory at a time
        const scores = await policy.engine.scores(
          pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]),
        );
        for (const [{ chosen, rejected }, ofPair] of zip(pairs, inGroups(scores, 2))) {
          scored.push({
            lengths: [chosen.length, rejected.length],
            scores: ofPair as [chosen: number, rejected: number],
          });
        }
      }
      const { accuracy, margin } = pairFigures(scored.map(({ scores }) => scores));
      const bias = lengthBias(scored);
      return {
        'eval/pair_accuracy': accuracy,
        'eval/margin': margin,
        ...(bias && {
          'eval/longer_chosen_frac': bias.longerChosen,
          'eval/longer_preferred_frac': bias.longerPreferred,
        }),
      };
    },
  };
}

/** @param scores `[pairs][chosen, rejected]` */
function pairFigures(scores: readonly (readonly [chosen: number, rejected: number])[]) {
  return {
    accuracy: mean(scores.map(([chosen, rejected]) => Number(chosen > rejected))),
    margin: mean(scores.map(([chosen, rejected]) => chosen - rejected)),
  } satisfies Metrics;
}
