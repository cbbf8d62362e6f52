import { learningRateAt } from '../algorithms/schedule.ts';
import type { Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { OptimizerSettings, Schedule } from '../contract/training.ts';
import { promptBatch } from '../data/prompt-order.ts';
import { encodeDocument, supervisedBatch, supervisedMetrics } from './documents.ts';
import { Policy } from './policy.ts';
import { train } from './training-loop.ts';
import type { Workspace } from './workspace.ts';

interface SupervisedSettings {
  readonly rows: readonly Row[];
  readonly trainPrompt: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly optimizer: OptimizerSettings;
  readonly checkpointEvery: number;
}

/** Cross-entropy on rows in a shuffled order that starts anew every epoch. */
export async function trainOnDocuments(settings: SupervisedSettings, workspace: Workspace): Promise<StageResult> {
  const { policy, step: from, metrics, final } = await Policy.load(workspace, { trained: true });
  try {
    if (final) return workspace.finish(final, 'finished by an earlier attempt', metrics);
    const batch = Math.min(settings.batch, settings.rows.length);

    return await train({
      workspace,
      policy,
      from,
      metrics,
      steps: settings.steps,
      checkpointEvery: settings.checkpointEvery,
      async run(step) {
        const rows = promptBatch(settings.rows, workspace.file.seed, step * batch, batch);
        const documents = rows.map((row) => encodeDocument(policy, row, settings.trainPrompt));
        const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, settings.steps);
        const report = await policy.train(supervisedBatch(documents), learningRate, settings.optimizer);
        return {
          loss: report.loss,
          grad_norm: report.gradNorm,
          learning_rate: learningRate,
          ...supervisedMetrics(documents, report),
        };
      },
    });
  } finally {
    await policy.close();
  }
}
