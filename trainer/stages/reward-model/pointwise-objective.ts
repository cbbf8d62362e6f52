import { rocAuc, type LabelledScore } from '../../algorithms/roc-auc.ts';
import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { RewardModelSettings } from '../../contract/settings/settings.ts';
import { encodeLabelled } from '../rows/labelled.ts';
import { chunksOf, type Objective, rewardFigures } from './objective.ts';
import type { Policy } from '../policy/policy.ts';
import { readingOf } from '../policy/reading.ts';
import { judgeLabelled } from '../rows/row-verdicts.ts';

/** A good response scores above 0 and a bad one below: the score is the logit of good, under binary cross-entropy. */
export function pointwise(policy: Policy, settings: RewardModelSettings): Objective {
  const { labelled: names = [], optimizer } = settings;
  const reading = readingOf(settings);
  const seen = new Set<boolean>();
  return {
    field: 'labelled',
    names,
    judge(row) {
      const verdict = judgeLabelled(policy, row, { ...settings, reading });
      if (verdict.kind === 'used' && row.label !== undefined) seen.add(row.label);
      return verdict;
    },
    async require() {
      if (seen.size !== 1) return;
      const found = seen.has(true) ? 'true' : 'false';
      throw new UserError(
        `rewardModel.labelled ${names.join(', ')}: found the label ${found} alone, expected rows with true and rows with false`,
      );
    },
    async step(rows, learningRate) {
      const sequences = rows.map((row) => ({ ...encodeLabelled(policy, row, reading), weight: 1 / rows.length }));
      const { loss, gradNorm, scores } = await policy.train({ loss: 'pointwise', sequences }, learningRate, optimizer);
      const accuracy = accuracyOf(zip(sequences, scores).map(([{ isGood }, score]) => ({ isGood, score })));
      return { loss, grad_norm: gradNorm, learning_rate: learningRate, accuracy, ...rewardFigures(scores) };
    },
    async measure(model, how, rows) {
      const scored: LabelledScore[] = [];
      for (const chunk of chunksOf(rows)) {
        const sequences = chunk.map((row) => encodeLabelled(model, row, how));
        // oxlint-disable-next-line no-await-in-loop -- one chunk is in memory at a time
        const scores = await model.engine.scores(sequences);
        scored.push(...zip(sequences, scores).map(([{ isGood }, score]) => ({ isGood, score })));
      }
      const auc = rocAuc(scored);
      return {
        metrics: {
          'eval/label_accuracy': accuracyOf(scored),
          'eval/good_frac': mean(scored.map(({ isGood }) => Number(isGood))),
          ...(auc && { 'eval/roc_auc': auc.area, 'eval/roc_auc_low': auc.low, 'eval/roc_auc_high': auc.high }),
        },
        decisions: scored.map(({ score }) => score > 0),
        scores: scored.map(({ score }) => score),
      };
    },
  };
}

/** Share whose score lies on the side of its label. */
function accuracyOf(scored: readonly LabelledScore[]): number {
  return mean(scored.map(({ isGood, score }) => Number(score > 0 === isGood)));
}
