import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { compare, inWords, type Measured } from '../algorithms/control-comparison.ts';
import { removePartials } from '../checkpoint/partials.ts';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { controlsName } from '../contract/checkpoint.ts';
import { UserError } from '../contract/errors.ts';
import { makeWithin } from '../contract/make-directory.ts';
import type { StageResult } from '../contract/progress.ts';
import type { Control, GrpoSettings } from '../contract/settings.ts';
import type { StageFile } from '../contract/stage-file.ts';
import type { Metrics } from './metrics.ts';
import { evaluationDigest } from './settings-digest.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** @throws UserError if controls are asked for and nothing is measured that they could be compared in */
export function requireMeasured({ controls = [] }: GrpoSettings, { file }: Workspace): void {
  const heldOut = file.evaluation?.data.filter((name) => !file.trainedOn?.includes(name)) ?? [];
  if (controls.length === 0 || heldOut.length > 0) return;
  throw new UserError(
    'grpo.controls: found no evaluation on held-out rows, expected one to compare in: evaluation.data',
  );
}

type Run = (settings: GrpoSettings, workspace: Workspace) => Promise<StageResult>;

/**
 * Runs the negative controls of a finished stage, one after the other, each from the same model for as many steps, and says whether the
 * stage is better than they are. What one came to is kept; its model is not.
 */
export async function withControls(
  { controls = [] }: GrpoSettings,
  workspace: Workspace,
  result: StageResult,
  run: Run,
): Promise<StageResult> {
  const own = measuredIn(result.metrics);
  if (own === undefined) return result;
  const compared: { readonly control: Control; readonly words: string; readonly isAbove: boolean }[] = [];
  let { metrics } = result;
  for (const control of new Set(controls)) {
    // oxlint-disable-next-line no-await-in-loop -- there is memory for one model
    const measured = await outcomeOf(control, workspace, run);
    const comparison = compare(own, measured);
    metrics = { ...metrics, ...figuresOf(control, measured, comparison) };
    compared.push({ control, words: inWords(comparison), isAbove: comparison.verdict === 'above' });
  }
  if (compared.length === 0) return result;
  const list = compared.map(({ control, words }) => `${control} ${words}`).join(', ');
  const notAbove = compared.filter(({ isAbove }) => !isAbove);
  if (notAbove.length > 0) {
    const which = notAbove.map(({ control, words }) => `${control} ${words}`).join(', ');
    workspace.warnings.warn(
      'NotAboveControl',
      `pass@1 is not measurably above that of a negative control: ${which}; nothing shows that the rewards taught anything`,
    );
  }
  return { ...result, message: `${result.message}; pass@1 against its controls: ${list}`, metrics };
}

function measuredIn(metrics: Metrics): Measured | undefined {
  const { 'eval/pass@1': score, 'eval/pass@1_stderr': standardError } = metrics;
  return score === undefined || standardError === undefined ? undefined : { score, standardError };
}

function figuresOf(
  control: Control,
  { score, standardError }: Measured,
  { difference, low, high }: ReturnType<typeof compare>,
): Metrics {
  return {
    [`control/${control}/pass@1`]: score,
    [`control/${control}/pass@1_stderr`]: standardError,
    [`control/${control}/difference`]: difference,
    [`control/${control}/difference_low`]: low,
    [`control/${control}/difference_high`]: high,
  };
}

const outcome = z.object({ how: z.string(), score: z.number(), standardError: z.number() });

/** What a control has come to, or comes to now. Its directory goes once that is on file. */
async function outcomeOf(control: Control, workspace: Workspace, run: Run): Promise<Measured> {
  const opened = await openControl(control, workspace);
  const { out, evaluation } = opened.file;
  const record = `${out}.json`;
  const how = `${opened.settingsDigest} ${evaluation && (await evaluationDigest(opened.file, evaluation))}`;
  const known = await readOutcome(record);
  const measured = known?.how === how ? known : await runControl(opened, run);
  if (measured !== known) await replaceFile(record, `${JSON.stringify({ how, ...measured })}\n`, workspace.writer);
  await rm(out, { recursive: true, force: true });
  return measured;
}

async function runControl(workspace: Workspace, run: Run): Promise<Measured> {
  await removePartials(workspace.file.out);
  const { metrics } = await run(workspace.file.settings.grpo as GrpoSettings, workspace);
  const measured = measuredIn(metrics);
  if (measured === undefined) throw new Error(`control ${workspace.control} was not measured`);
  return measured;
}

async function readOutcome(path: string): Promise<z.infer<typeof outcome> | undefined> {
  try {
    return outcome.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined; // none yet, or not whole: it is run again
  }
}

/** A stage of its own within the directory of its stage, as far as its files go. */
async function openControl(control: Control, workspace: Workspace): Promise<Workspace> {
  const { file, stop, progress, writer, verifiers } = workspace;
  const directory = join(file.out, controlsName);
  const out = join(directory, control);
  for (const path of [directory, out]) await makeWithin(path);
  const opened = await openWorkspace(controlFile(file, control, out), stop.signal, progress.within(control), writer);
  return { ...opened, verifiers, control };
}

function controlFile(file: StageFile, control: Control, out: string): StageFile {
  const { takeOver: _, goneRuns: __, rollout: ___, ...rest } = file;
  const { controls: ____, guard: _____, ...grpo } = file.settings.grpo as GrpoSettings;
  const changed = {
    random: { rewards: [{ random: { weight: 1 } }] },
    shuffled: {},
    zeroLr: { learningRate: 0 },
  }[control];
  return {
    ...rest,
    stage: `${file.stage}-${control}`,
    settings: { grpo: { ...grpo, ...changed, keepOptimizer: false } },
    out,
  };
}
