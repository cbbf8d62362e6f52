import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SafetensorsFile, writeSafetensors } from '../../checkpoint/safetensors.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';
import type { GuardState } from '../../algorithms/guard.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ParameterTensor } from '../../models/parameters.ts';
import type { JudgeFigures } from '../../rewards/judge/judge.ts';
import type { KeptCurriculum } from '../rollout/curriculum.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';

/** `trainer/state.json` of a checkpoint. */
interface ResumeState {
  readonly optimizerStep: number;
  readonly hasReference: boolean;
  /** Figures of the newest step. */
  readonly metrics: Metrics;
  readonly templateDigest: string;
  /** The step was to be evaluated, and the stage was stopped before. */
  readonly evaluationDue?: boolean | undefined;
  readonly guard?: KeptGuard | undefined;
  readonly curriculum?: KeptCurriculum | undefined;
}

/** What a guard has seen up to the step. */
export interface KeptGuard extends GuardState {
  /** It has ended the stage: the model of the good step is the result. */
  readonly rolledBack?: true;
  /** What its judge was asked at the last look, if it has one. */
  readonly asked?: JudgeFigures;
}

const stateFile = 'trainer/state.json';
/** Optimizer moments and the reference policy: in checkpoints of a stage that goes on, and beside those of one that is done. */
const tensorsFile = 'trainer/resume.safetensors';

/** Writes what a checkpoint says of the work behind it, into its `trainer/`. */
export async function writeState(
  policy: Policy,
  directory: string,
  {
    metrics,
    evaluationDue,
    guard,
    curriculum,
  }: Pick<ResumeState, 'metrics' | 'evaluationDue' | 'guard' | 'curriculum'>,
): Promise<void> {
  await makeWithin(join(directory, 'trainer'));
  const { templateDigest } = policy.tokenizer;
  const state: ResumeState = {
    optimizerStep: policy.engine.steps,
    hasReference: policy.hasReference,
    metrics,
    templateDigest,
    ...(evaluationDue && { evaluationDue }),
    ...(guard && { guard }),
    ...(curriculum && { curriculum }),
  };
  await writeFile(join(directory, stateFile), JSON.stringify(state));
}

/** Writes what going on needs beside the model: two or, with a reference, three times what is trained in f32. */
export async function writeResumeTensors(policy: Policy, directory: string): Promise<void> {
  await makeWithin(join(directory, 'trainer'));
  const { engine, hasReference } = policy;
  const { m, v } = await engine.optimizerState();
  const shape = [m.length];
  const ofReference = trainedOf(engine).map((tensor) => ({
    name: inReference(tensor),
    shape: tensor.shape,
    values: () => engine.readTensor(tensor, 'reference'),
  }));
  await writeSafetensors(join(directory, tensorsFile), [
    { name: 'm', shape, values: m },
    { name: 'v', shape, values: v },
    ...(hasReference ? ofReference : []),
  ]);
}

/** Size of what `writeResumeTensors` writes. */
export function resumeBytes({ engine: { layout }, hasReference }: Policy): number {
  return (hasReference ? 3 : 2) * (layout.size - layout.frozen) * Float32Array.BYTES_PER_ELEMENT;
}

export async function readResumeState(checkpoint: string): Promise<ResumeState> {
  return JSON.parse(await readFile(join(checkpoint, stateFile), 'utf8')) as ResumeState;
}

/** Gives a policy the moments and the reference that a directory holds. */
export async function restoreResumeState(policy: Policy, directory: string, state: ResumeState): Promise<void> {
  const { engine } = policy;
  await using file = await SafetensorsFile.open(join(directory, tensorsFile));
  // Read where they belong: copies would be two models more in memory.
  await engine.restoreOptimizer(state.optimizerStep, async ({ m, v }) => {
    await file.read('m', m);
    await file.read('v', v);
  });
  if (!state.hasReference) return;
  await policy.restoreReference(async (memoryOf) => {
    for (const tensor of trainedOf(engine)) await file.read(inReference(tensor), await memoryOf(tensor));
  });
}

function trainedOf({ layout }: Engine): ParameterTensor[] {
  return layout.tensors.filter(({ trained }) => trained);
}

function inReference({ name }: ParameterTensor): string {
  return `reference.${name}`;
}
