import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeOwnPartials, removePartials } from '../checkpoint/partials.ts';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { verifyCheckpoint } from '../checkpoint/store.ts';
import { removeRuns, takeOver } from '../checkpoint/take-over.ts';
import { resultName, toldName, writerLockName } from '../contract/files/checkpoint.ts';
import { lockDirectory, type Writer } from '../contract/files/directory-lock.ts';
import { UnavailableError } from '../contract/process/errors.ts';
import { exitCodes } from '../contract/process/exit-codes.ts';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { makeDirectory } from '../contract/files/make-directory.ts';
import type { StageResult } from '../contract/files/progress.ts';
import type { StageFile } from '../contract/settings/stage-file.ts';
import { deviceInWords, sayRuntime } from '../engine/engine-versions.ts';
import { sayIdleGpus, settleDevice } from '../runtime/choose-device.ts';
import { RolloutServer } from '../rollout/remote/server.ts';
import { evaluate } from './evaluate.ts';
import { failureResult, reportFailure } from './failure.ts';
import { grpo } from './grpo/grpo.ts';
import { pretrain } from './pretrain.ts';
import { ProgressReporter } from './workspace/progress.ts';
import { readStageFile } from './workspace/read-stage-file.ts';
import { review } from './review/review.ts';
import { rewardModel } from './reward-model/reward-model.ts';
import { requireSameData } from './workspace/require-same-data.ts';
import { requireToldSettings } from './workspace/settings-digest.ts';
import { readToken, rolloutVersions } from './rollout/rollout-worker.ts';
import { sample } from './sample/sample.ts';
import { sft } from './sft.ts';
import { stopOnSignals } from '../stop-on-signals.ts';
import { terminationMessage } from './termination-message.ts';
import { openWorkspace, type Workspace } from './workspace/workspace.ts';

/**
 * Follows the recipe of the stage's type and says how it ended: in `result.json` of the stage's directory, and in short
 * in `resultFile`.
 *
 * @returns the exit code
 */
export async function runStage(stageFilePath: string, resultFile?: string): Promise<number> {
  const stop = stopOnSignals();
  // Written in place: in a pod it is a mounted file, over which nothing can be renamed.
  const tell = async (result: StageResult): Promise<void> => {
    if (resultFile !== undefined) await writeFile(resultFile, terminationMessage(result));
  };
  try {
    const file = await readStageFile(stageFilePath);
    await asOnlyWriter(file, stop, async (writer) => {
      if (file.settings.review === undefined) {
        sayIdleGpus(settleDevice(file.device));
        sayRuntime();
      }
      const result = await runRecipe(file, stop, writer);
      await tell(result);
      return result;
    });
    return exitCodes.succeeded;
  } catch (error) {
    await tell(failureResult(error)).catch(() => undefined); // a full disk must not hide the cause
    return reportFailure(error);
  }
}

/**
 * Does the work of a stage as the only one that writes in its directory, and says there how it ended. A Job may have two
 * pods of one attempt, and a node that was lost may come back.
 */
async function asOnlyWriter(
  file: StageFile,
  signal: AbortSignal,
  work: (writer: Writer) => Promise<StageResult>,
): Promise<void> {
  const lock = await namingFullDisk(file.out, undefined, async () => {
    await makeDirectory(file.out);
    return lockDirectory(join(file.out, writerLockName), { signal, onWait: console.error });
  });
  const write = (result: StageResult): Promise<void> =>
    replaceFile(join(file.out, resultName), `${JSON.stringify(result, undefined, 2)}\n`, lock);
  try {
    await removePartials(file.out);
    await write(await work(lock));
  } catch (error) {
    await lock.check().catch(async (lost: unknown) => {
      await removeOwnPartials(file.out).catch(() => undefined); // the directory may be gone
      throw lost; // what another writer has removed is missed by this one
    });
    await write(failureResult(error)).catch(() => undefined);
    throw error;
  } finally {
    await lock.release();
  }
}

async function runRecipe(file: StageFile, stop: AbortSignal, writer: Writer): Promise<StageResult> {
  return namingFullDisk(file.out, undefined, async () => {
    const device = file.settings.review === undefined ? deviceInWords(file.precision ?? 'f32') : undefined;
    const workspace = await openWorkspace(file, stop, new ProgressReporter(undefined, device), writer);
    requireToldSettings(file, workspace.settings);
    await requireSameData(file, workspace.settings, writer);
    await removeRuns(file.out, file.goneRuns ?? []);
    if (file.takeOver) await takeOver(file.out, file.takeOver, workspace.settingsDigest);
    await replaceFile(join(file.out, toldName), `${JSON.stringify(file)}\n`, writer);
    try {
      await workspace.verifiers.open();
      const result = withWarnings(await withRolloutWorkers(workspace), workspace);
      await readBack(result);
      return result;
    } finally {
      workspace.verifiers.close();
    }
  });
}

async function withRolloutWorkers(workspace: Workspace): Promise<StageResult> {
  const { rollout, settings } = workspace.file;
  if (!rollout) return follow(workspace);
  const server = await RolloutServer.listen({
    ...rollout,
    token: await readToken(rollout.tokenFile),
    versions: rolloutVersions(),
    accept: settings.grpo?.rollout.accept ?? 'equal',
    onActivity: workspace.progress.alive,
  });
  let done = false;
  try {
    const result = await follow({ ...workspace, rolloutServer: server });
    done = true;
    return result;
  } finally {
    await server.close({ done });
  }
}

function withWarnings(result: StageResult, { warnings: { all: warnings } }: Workspace): StageResult {
  return warnings.length === 0 ? result : { ...result, warnings };
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

/** Whoever reads the result may be unable to look at the volume: what it says of the checkpoint must be true. */
async function readBack({ checkpoint }: StageResult): Promise<void> {
  if (!checkpoint) return;
  try {
    await verifyCheckpoint(checkpoint.path, checkpoint.digest);
  } catch (error) {
    throw new UnavailableError(`the checkpoint does not read back as it was written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
