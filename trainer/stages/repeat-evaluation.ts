import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultName } from '../contract/files/checkpoint.ts';
import { UserError } from '../contract/process/errors.ts';
import { stageResult } from '../contract/files/progress.ts';
import type { EvaluateSettings } from '../contract/settings/settings.ts';
import type { PinnedInput, StageFile } from '../contract/settings/stage-file.ts';
import { stopOnSignals } from '../stop-on-signals.ts';
import { evaluateStartingModel } from './evaluate.ts';
import type { WholeEvaluation } from './evaluation/evaluation.ts';
import { ProgressReporter } from './workspace/progress.ts';
import { openWorkspace } from './workspace/workspace.ts';

/**
 * Measures the model of a finished stage again, exactly as the stage did, and leaves the stage's directory as it is.
 *
 * @throws UserError if the stage has no evaluation, or no checkpoint that verifies
 */
export async function repeatEvaluation(file: StageFile): Promise<WholeEvaluation> {
  const out = await mkdtemp(join(tmpdir(), 'r1-evaluate-'));
  try {
    const settings = evaluationOf(file);
    const again = await evaluateStage(file, settings, out);
    const workspace = await openWorkspace(again, stopOnSignals(), new ProgressReporter(() => undefined));
    try {
      const evaluation = await evaluateStartingModel(settings, workspace);
      for (const { message } of workspace.warnings.all) console.error(message);
      return evaluation;
    } finally {
      workspace.verifiers.close();
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** The stage of type `evaluate` that measures what a stage has made. */
async function evaluateStage(file: StageFile, settings: EvaluateSettings, out: string): Promise<StageFile> {
  const { takeOver: _takeOver, rollout: _rollout, evaluation: _evaluation, ...rest } = file;
  const model = file.settings.evaluate ? file.model : { input: await checkpointOf(file) };
  return { ...rest, settings: { evaluate: settings }, model, out };
}

function evaluationOf({ settings, evaluation, stage }: StageFile): EvaluateSettings {
  if (settings.evaluate) return settings.evaluate;
  if (!evaluation)
    throw new UserError(`stage ${stage} has no evaluation; expected one in its manifest, or --data FILE`);
  const { every: _, ...asked } = evaluation;
  return asked;
}

async function checkpointOf({ stage, out }: StageFile): Promise<PinnedInput> {
  const path = join(out, resultName);
  const text = await readFile(path, 'utf8').catch(() => '{}');
  const { data } = stageResult.safeParse(jsonOf(text, path));
  if (!data?.checkpoint) throw new UserError(`stage ${stage} has no final checkpoint (${path})`);
  return { stage, path: data.checkpoint.path, digest: data.checkpoint.digest };
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${path}: found ${text.length} characters that are no whole result`, { cause });
  }
}
