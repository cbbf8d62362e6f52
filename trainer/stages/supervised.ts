import { learningRateAt } from '../algorithms/schedule.ts';
import { UserError } from '../contract/process/errors.ts';
import type { StageResult } from '../contract/files/progress.ts';
import type { Control } from '../contract/settings/settings.ts';
import type { OptimizerSettings, Schedule } from '../contract/settings/training.ts';
import type { RowList } from '../data/lists/row-list.ts';
import { promptBatch } from '../data/order/prompt-order.ts';
import { shuffledTargets } from '../data/order/shuffled-targets.ts';
import { usableRows } from './rows/checked-rows.ts';
import { encodeDocuments, type Trained, supervisedBatch, supervisedMetrics } from './rows/documents.ts';
import { loadPolicy } from './training/load-policy.ts';
import { judgeDocument, longestRow } from './rows/row-verdicts.ts';
import { finishAgain } from './training/finish.ts';
import { Training } from './training/training.ts';
import type { Workspace } from './workspace/workspace.ts';

interface SupervisedSettings {
  readonly type: 'pretrain' | 'sft';
  readonly data: readonly string[];
  readonly trained: Trained;
  readonly maxLength: number;
  readonly overlong: 'cut' | 'drop' | 'refuse';
  readonly batch: number;
  /** Optimizer steps for a number of rows that are trained. */
  readonly stepsFor: (rows: number) => number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerSettings;
  readonly checkpointEvery: number;
  readonly keepOptimizer?: boolean | undefined;
  readonly controls?: readonly Control[] | undefined;
}

/** Cross-entropy on rows in a shuffled order that starts anew every epoch. */
export async function trainOnDocuments(settings: SupervisedSettings, workspace: Workspace): Promise<StageResult> {
  const resumed = await loadPolicy(workspace, { trained: {} });
  const { policy } = resumed;
  try {
    if (resumed.final) return await finishAgain(workspace, resumed, resumed.final);
    const { type, data, schedule, trained } = settings;
    const { rows, figures } = await usableRows(
      workspace,
      await workspace.inputs.rows(data, 'train'),
      { part: 'train', what: `${type}.data ${data.join(', ')}` },
      (row) => judgeDocument(policy, row, settings),
    );
    const { tokens: longest } = longestRow(policy, settings);
    if (settings.controls?.includes('shuffled')) requirePrompts(rows, type);
    const { seed, stage } = workspace.file;
    const learned = workspace.control === 'shuffled' ? shuffledTargets(rows, seed, stage) : rows;
    const batch = Math.min(settings.batch, rows.length);
    const steps = settings.stepsFor(rows.length);
    const training = await Training.start(workspace, resumed, { ...settings, steps, figures });

    while (training.stepsLeft > 0) {
      const { step } = training;
      const documents = promptBatch(learned, seed, step * batch, batch).flatMap((row) =>
        encodeDocuments(policy, row, trained, longest),
      );
      const learningRate = learningRateAt(schedule, settings.learningRate, step + 1, steps);
      const batchOfStep = supervisedBatch(documents);
      const update = await training.stoppable(() => policy.train(batchOfStep, learningRate, settings.optimizer));
      await training.report({
        loss: update.loss,
        grad_norm: update.gradNorm,
        learning_rate: learningRate,
        ...supervisedMetrics(documents, update),
      });
      await training.saveIfDue();
    }
    return await training.finish();
  } finally {
    await policy.close();
  }
}

/** Without prompts, rows with the completions of other rows are the same rows. */
function requirePrompts(rows: RowList, type: SupervisedSettings['type']): void {
  for (const { messages } of rows) if (messages.length > 0) return;
  throw new UserError(`${type}.controls: found no row with a prompt, expected some for shuffled; zeroLr needs none`);
}
