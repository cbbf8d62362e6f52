import { join } from 'node:path';
import { chatTemplateName, copyTokenizer } from '../../checkpoint/companion-files.ts';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import type { PublishedCheckpoint } from '../../checkpoint/store.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';
import type { Head, ModelConfig } from '../../models/config.ts';
import type { KeptCurriculum } from '../rollout/curriculum.ts';
import { loadSavedModel, loadStartingModel } from '../policy/load-model.ts';
import { measureStart } from '../evaluation/measure.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { Policy } from '../policy/policy.ts';
import { requireMemory } from '../checks/require-memory.ts';
import { rewardModelConfigs } from '../checks/reward-model-configs.ts';
import { type KeptGuard, readResumeState, restoreResumeState } from './resume-state.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface LoadOptions {
  readonly head?: Head;
  /** Keeps optimizer moments; without it the model only samples and scores. */
  readonly trained?: {
    /** A later attempt can go on where a multiple of so many steps is done; 1 when absent. */
    readonly unit?: number;
  };
  /** Nothing is learned all the same: the model is saved as it is, and needs no memory to learn. */
  readonly frozen?: boolean;
  /** Keeps a second set of weights, at first those of the starting point. */
  readonly reference?: boolean;
}

/** A policy at the place where an earlier attempt left it, or at the start. */
export interface ResumedPolicy {
  readonly policy: Policy;
  /** Optimizer steps that the weights have behind them in this stage. */
  readonly step: number;
  /** Figures of that step, or of the finished stage. */
  readonly metrics: Metrics;
  /** The checkpoint that it was read from, if any. */
  readonly checkpoint: string | undefined;
  /** The step was to be evaluated, and the attempt ended before. */
  readonly evaluationDue: boolean;
  /** What the guard of the stage had seen up to that step, if it has one. */
  readonly guard?: KeptGuard | undefined;
  /** What the curriculum of the stage had measured up to that step, if it has one. */
  readonly curriculum?: KeptCurriculum | undefined;
  /** Set when an earlier attempt had finished all the work. */
  readonly final: PublishedCheckpoint | undefined;
}

/** The newest checkpoint that the stage can go on from, or else the model that it starts from. */
export async function loadPolicy(workspace: Workspace, options: LoadOptions = {}): Promise<ResumedPolicy> {
  const { head = 'lm', trained, frozen = false } = options;
  const learns = trained !== undefined && !frozen;
  const { out, workers, chat, settings, inputs } = workspace.file;
  const checkpoint = trained && (await workspace.output.newestCheckpoint(trained, workspace.warnings));
  await workspace.log.rewind(checkpoint?.step ?? -1);
  // What the start is compared with may be measured in another way than when this stage began. Memory is there for one model.
  if (checkpoint && head === 'lm') {
    const { step } = checkpoint;
    await workspace.stop.during(
      () => measureStart(workspace, step),
      () => `step ${step}`,
    );
  }
  const needs = {
    head,
    trained: learns,
    reference: options.reference ?? false,
    rewardModels: await rewardModelConfigs(settings, (name) => inputs[name] && { directory: inputs[name].path }),
  };
  const checkMemory = (config: ModelConfig): void => requireMemory(workspace, config, needs);
  const model = checkpoint
    ? await loadSavedModel(workspace, checkpoint.path, head, checkMemory)
    : await loadStartingModel(workspace, head, checkMemory);
  const tokenizerDirectory = join(out, 'tokenizer');
  if (model.tokenizerDirectory !== tokenizerDirectory) {
    // The checkpoint that it came from may be pruned while the stage runs.
    await makeWithin(tokenizerDirectory);
    await workspace.writer.check();
    await copyTokenizer(model.tokenizerDirectory, tokenizerDirectory);
  }
  if (chat?.template !== undefined)
    await replaceFile(join(tokenizerDirectory, chatTemplateName), chat.template, workspace.writer);
  const state = checkpoint && (await readResumeState(checkpoint.path));
  const onActivity = workspace.progress.alive;
  const stop = workspace.stop.signal;
  const policy = await Policy.start({ ...model, tokenizerDirectory }, { workers, trained: learns, onActivity, stop });
  if (head === 'lm' && workspace.rolloutServer) policy.shareWith(workspace.rolloutServer);
  try {
    if (!checkpoint || !state) {
      if (options.reference) await policy.refreshReference();
      return { policy, step: 0, metrics: {}, checkpoint: undefined, evaluationDue: false, final: undefined };
    }
    const { path, step } = checkpoint;
    const { metrics, evaluationDue = false, guard, curriculum } = state;
    const isFinished = checkpoint.resumeFrom === undefined;
    if (!isFinished) await restoreResumeState(policy, checkpoint.resumeFrom, state);
    const final = isFinished ? checkpoint : undefined;
    return { policy, step, metrics, checkpoint: path, evaluationDue, guard, curriculum, final };
  } catch (error) {
    await policy.close();
    throw error;
  }
}
