import type { StageResult } from '../contract/progress.ts';
import type { PretrainSettings } from '../contract/settings.ts';
import { trainOnDocuments } from './supervised.ts';
import type { Workspace } from './workspace.ts';

/** Next-token prediction on whole documents, prompts included: makes a base model. */
export async function pretrain(settings: PretrainSettings, workspace: Workspace): Promise<StageResult> {
  const rows = await workspace.inputs.rows(settings.data, 'train');
  return trainOnDocuments({ ...settings, rows, trained: 'text', steps: settings.steps }, workspace);
}
