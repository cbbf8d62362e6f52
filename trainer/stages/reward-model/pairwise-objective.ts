import { lengthBias, type ScoredPair } from '../../algorithms/length-bias.ts';
import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { RewardModelSettings } from '../../contract/settings/settings.ts';
import { inGroups } from '../policy/completions.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { chunksOf, type Objective, rewardFigures } from './objective.ts';
import { encodePair } from '../rows/pairs.ts';
import type { Policy } from '../policy/policy.ts';
import { readingOf } from '../policy/reading.ts';
import { judgePair } from '../rows/row-verdicts.ts';

/** The chosen one of two answers scores higher: −log σ(score(chosen) − score(rejected)). */
export function pairwise(policy: Policy, settings: RewardModelSettings): Objective {
  const { pairs: names = [], optimizer, centerRewardsCoefficient: centering } = settings;
  const reading = readingOf(settings);
  return {
    field: 'pairs',
    names,
    judge: (row) => judgePair(policy, row, { ...settings, reading }),
    async step(rows, learningRate) {
      const pairs = rows.map((row) => ({
        ...encodePair(policy, row, reading),
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
    async measure(model, how, rows) {
      const scored: ScoredPair[] = [];
      for (const chunk of chunksOf(rows)) {
        const pairs = chunk.map((row) => encodePair(model, row, how));
        // oxlint-disable-next-line no-await-in-loop -- one chunk is in memory at a time
        const scores = await model.engine.scores(
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
        metrics: {
          'eval/pair_accuracy': accuracy,
          'eval/margin': margin,
          ...(bias && {
            'eval/longer_chosen_frac': bias.longerChosen,
            'eval/longer_preferred_frac': bias.longerPreferred,
          }),
        },
        decisions: scored.map(({ scores: [chosen, rejected] }) => chosen > rejected),
        scores: scored.flatMap(({ scores }) => scores),
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
