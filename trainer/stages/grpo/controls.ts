import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { compare, inWords, type Measured } from '../../contract/settings/control-comparison.ts';
import { removePartials } from '../../checkpoint/partials.ts';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { controlsName } from '../../contract/files/checkpoint.ts';
import { UserError } from '../../contract/process/errors.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import { type Control, controlsOf, type StageSettings } from '../../contract/settings/settings.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { Metrics } from '../workspace/metrics.ts';
import { evaluationDigest } from '../workspace/settings-digest.ts';
import { openWorkspace, type Workspace } from '../workspace/workspace.ts';

/** @throws UserError if controls are asked for and nothing is measured that they could be compared in */
export function requireMeasured({ file }: Workspace): void {
  const controlled = controlsOf(file.settings);
  const heldOut = file.evaluation?.data.filter((name) => !file.trainedOn?.includes(name)) ?? [];
  if (controlled === undefined || heldOut.length > 0) return;
  throw new UserError(
    `${controlled.type}.controls: found no evaluation on held-out rows, expected one to compare in: evaluation.data`,
  );
}

/** The recipe of the stage, with the settings of its control. */
type Run = (settings: StageSettings, workspace: Workspace) => Promise<StageResult>;

/**
 * Runs the negative controls of a finished stage, one after the other, each from the same model for as many steps, and says whether the
 * stage is better than they are. What one came to is kept; its model is not.
 */
export async function withControls(workspace: Workspace, result: StageResult, run: Run): Promise<StageResult> {
  const controlled = controlsOf(workspace.file.settings);
  const own = measuredIn(result.metrics);
  if (own === undefined || controlled === undefined) return result;
  const compared: { readonly control: Control; readonly words: string; readonly isAbove: boolean }[] = [];
  let { metrics } = result;
  for (const control of new Set(controlled.controls)) {
    // oxlint-disable-next-line no-await-in-loop -- there is memory for one model
    const measured = await outcomeOf(control, workspace, run);
    const comparison = compare(own, measured);
    metrics = { ...metrics, ...figuresOf(control, measured, comparison) };
    compared.push({ control, words: inWords(comparison), isAbove: comparison.verdict === 'above' });
  }
  const list = compared.map(({ control, words }) => `${control} ${words}`).join(', ');
  const notAbove = compared.filter(({ isAbove }) => !isAbove);
  if (notAbove.length > 0) {
    const which = notAbove.map(({ control, words }) => `${control} ${words}`).join(', ');
    workspace.warnings.warn(
      'NotAboveControl',
      `pass@1 is not measurably above that of a negative control: ${which}; nothing shows that ${teachers[controlled.type]} taught anything`,
    );
  }
  return { ...result, message: `${result.message}; pass@1 against its controls: ${list}`, metrics };
}

/** What a stage of each type learns from. */
const teachers = { pretrain: 'the documents', sft: 'the completions', grpo: 'the rewards' } as const;

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
  const { metrics } = await run(workspace.file.settings, workspace);
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
  return {
    ...rest,
    stage: `${file.stage}-${control}`,
    settings: controlSettings(file.settings, control),
    out,
  };
}

/**
 * The settings of a control. What the verifier finds of a try is a signal: where rewards shall have none, a further try costs nothing, or the
 * discount would teach to be right at once.
 */
export function controlSettings({ pretrain, sft, grpo }: StageSettings, control: Control): StageSettings {
  const changed = { keepOptimizer: false, ...(control === 'zeroLr' && { learningRate: 0 }) };
  if (pretrain) return { pretrain: { ...withoutControls(pretrain), ...changed } };
  if (sft) return { sft: { ...withoutControls(sft), ...changed } };
  if (!grpo) throw new Error('only a stage that trains a policy has controls');
  const { guard: _, ...rest } = withoutControls(grpo);
  const { refine } = rest;
  const undiscounted = control !== 'zeroLr' && refine && { refine: { ...refine, discount: 1 } };
  const noise = control === 'random' && { rewards: [{ random: { weight: 1 } }] };
  return { grpo: { ...rest, ...changed, ...undiscounted, ...noise } };
}

function withoutControls<S extends { readonly controls?: unknown }>(settings: S): Omit<S, 'controls'> {
  const { controls: _, ...rest } = settings;
  return rest;
}
