import type { StageResult } from '../contract/progress.ts';
import type { PretrainSettings } from '../contract/settings.ts';
import { trainOnDocuments } from './supervised.ts';
import type { Workspace } from './workspace.ts';

/** Next-token prediction on whole documents, prompts included: makes a base model. */
export function pretrain(settings: PretrainSettings, workspace: Workspace): Promise<StageResult> {
  const stepsFor = (): number => settings.steps;
  return trainOnDocuments({ ...settings, type: 'pretrain', trained: 'text', stepsFor }, workspace);
}
