import type { StageResult } from '../contract/files/progress.ts';
import type { PretrainSettings } from '../contract/settings/settings.ts';
import { requireMeasured, withControls } from './grpo/controls.ts';
import { trainOnDocuments } from './supervised.ts';
import type { Workspace } from './workspace/workspace.ts';

/** Next-token prediction on whole documents, prompts included: makes a base model. */
export async function pretrain(settings: PretrainSettings, workspace: Workspace): Promise<StageResult> {
  const stepsFor = (): number => settings.steps;
  requireMeasured(workspace);
  const result = await trainOnDocuments({ ...settings, type: 'pretrain', trained: 'text', stepsFor }, workspace);
  return withControls(workspace, result, (control, its) => pretrain(control.pretrain ?? settings, its));
}
