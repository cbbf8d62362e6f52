import { UserError } from '../contract/errors.ts';
import type { StageResult } from '../contract/progress.ts';
import type { SftSettings } from '../contract/settings.ts';
import { trainOnDocuments } from './supervised.ts';
import type { Workspace } from './workspace.ts';

/** Supervised fine-tuning on completions: cold start, the SFT after rejection sampling, distillation. */
export async function sft(settings: SftSettings, workspace: Workspace): Promise<StageResult> {
  const rows = await workspace.inputs.rows(settings.data, 'train');
  if (rows.length === 0)
    throw new UserError(`sft.data: ${settings.data.join(', ')} hold no rows; expected at least one`);
  const steps = Math.ceil((rows.length * settings.epochs) / Math.min(settings.batch, rows.length));
  return trainOnDocuments({ ...settings, rows, trained: settings.turns, steps }, workspace);
}
