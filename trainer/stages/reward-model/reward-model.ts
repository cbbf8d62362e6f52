import { learningRateAt } from '../../algorithms/schedule.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import type { RewardModelSettings } from '../../contract/settings/settings.ts';
import { promptBatch } from '../../data/order/prompt-order.ts';
import { type Usable, usableRows } from '../rows/checked-rows.ts';
import { comparedWith } from './compared-reward-model.ts';
import { loadPolicy } from '../training/load-policy.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { pairwise } from './pairwise-objective.ts';
import { pointwise } from './pointwise-objective.ts';
import { finishAgain } from '../training/finish.ts';
import { readingOf } from '../policy/reading.ts';
import { Training } from '../training/training.ts';
import type { Workspace } from '../workspace/workspace.ts';

/**
 * A reward model, a scalar head on the last token: of pairs, or of responses with a label. Without epochs it is one from elsewhere, which is
 * measured and handed on as it is.
 */
export async function rewardModel(settings: RewardModelSettings, workspace: Workspace): Promise<StageResult> {
  const { epochs, compareWith } = settings;
  const resumed = await loadPolicy(workspace, { head: 'scalar', trained: {}, frozen: epochs === 0 });
  const { policy } = resumed;
  try {
    const objective = (settings.labelled === undefined ? pairwise : pointwise)(policy, settings);
    const { field, names, judge, require } = objective;
    const usable = async (part: 'train' | 'heldOut'): Promise<Usable> => {
      const what = `rewardModel.${field} ${names.join(', ')}${part === 'heldOut' ? ' (held out)' : ''}`;
      const rows = await workspace.inputs.rows(names, part);
      return usableRows(workspace, rows, { part, what, ...(part === 'train' && { require }) }, judge);
    };
    const heldOut = await usable('heldOut');
    const measureMore = async (): Promise<Metrics> => {
      const { rows, figures } = heldOut;
      if (rows.length === 0) return figures;
      const own = await objective.measure(policy, readingOf(settings), rows);
      const compared = compareWith && (await comparedWith(compareWith, own, { objective, rows, workspace }));
      return { ...figures, ...own.metrics, ...compared };
    };
    if (resumed.final) return await finishAgain(workspace, resumed, resumed.final, measureMore);
    const { rows, figures } = epochs === 0 ? { rows: heldOut.rows, figures: {} } : await usable('train');
    const batch = Math.min(settings.batch, rows.length);
    const steps = epochs === 0 ? 0 : Math.ceil((rows.length * epochs) / batch);
    const training = await Training.start(workspace, resumed, {
      ...settings,
      ...(epochs === 0 && { keepOptimizer: false }),
      steps,
      figures: { ...figures, ...heldOut.figures },
    });

    while (training.stepsLeft > 0) {
      const { step } = training;
      const learned = promptBatch(rows, workspace.file.seed, step * batch, batch);
      const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, steps);
      await training.report(await training.stoppable(() => objective.step(learned, learningRate)));
      await training.saveIfDue();
    }
    return await training.finish(measureMore);
  } finally {
    await policy.close();
  }
}
