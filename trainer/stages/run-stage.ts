import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/full-disk.ts';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { resultName } from '../contract/checkpoint.ts';
import { TrainerError } from '../contract/errors.ts';
import { exitCodes } from '../contract/exit-codes.ts';
import type { StageResult } from '../contract/progress.ts';
import type { StageFile } from '../contract/stage-file.ts';
import { evaluate } from './evaluate.ts';
import { grpo } from './grpo.ts';
import { pretrain } from './pretrain.ts';
import { review } from './review.ts';
import { rewardModel } from './reward-model.ts';
import { sample } from './sample.ts';
import { sft } from './sft.ts';
import { Workspace } from './workspace.ts';

/** Follows the recipe of the stage's type, writes `result.json`, and returns the exit code. */
export async function runStage(file: StageFile): Promise<number> {
  try {
    await namingFullDisk(file.out, undefined, async () => {
      await mkdir(file.out, { recursive: true });
      await writeResult(file.out, await runRecipe(file));
    });
    return exitCodes.succeeded;
  } catch (error) {
    const reason = error instanceof TrainerError ? error.reason : 'bug';
    await writeResult(file.out, {
      outcome: reason === 'interrupted' ? 'interrupted' : 'failed',
      reason,
      message: messageOf(error).slice(0, 2000),
      metrics: {},
    }).catch(() => undefined); // a full disk must not hide the cause
    return reportFailure(error);
  }
}

async function runRecipe(file: StageFile): Promise<StageResult> {
  const workspace = await Workspace.open(file);
  try {
    return await follow(workspace);
  } finally {
    workspace.close();
  }
}

function follow(workspace: Workspace): Promise<StageResult> {
  const { settings } = workspace.file;
  if (settings.pretrain) return pretrain(settings.pretrain, workspace);
  if (settings.sft) return sft(settings.sft, workspace);
  if (settings.grpo) return grpo(settings.grpo, workspace);
  if (settings.sample) return sample(settings.sample, workspace);
  if (settings.rewardModel) return rewardModel(settings.rewardModel, workspace);
  if (settings.review) return review(settings.review, workspace);
  if (settings.evaluate) return evaluate(settings.evaluate, workspace);
  throw new Error('the stage file has no stage type'); // its schema demands exactly one
}

async function writeResult(out: string, result: StageResult): Promise<void> {
  await replaceFile(join(out, resultName), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Says on stderr what went wrong, in one line if a person can act on it, and gives the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof TrainerError) {
    console.error(`${error.reason}: ${error.message}`);
    return exitCodes[error.reason];
  }
  console.error(error);
  return 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
