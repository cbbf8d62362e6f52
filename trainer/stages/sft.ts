import type { StageResult } from '../contract/files/progress.ts';
import type { SftSettings } from '../contract/settings/settings.ts';
import { requireMeasured, withControls } from './grpo/controls.ts';
import { trainOnDocuments } from './supervised.ts';
import type { Workspace } from './workspace/workspace.ts';

/** Supervised fine-tuning on completions: cold start, the SFT after rejection sampling, distillation. */
export async function sft(settings: SftSettings, workspace: Workspace): Promise<StageResult> {
  const stepsFor = (rows: number): number => Math.ceil((rows * settings.epochs) / Math.min(settings.batch, rows));
  requireMeasured(workspace);
  const result = await trainOnDocuments({ ...settings, type: 'sft', trained: settings.turns, stepsFor }, workspace);
  return withControls(workspace, result, (control, its) => sft(control.sft ?? settings, its));
}
