import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SafetensorsFile, writeSafetensors } from '../checkpoint/safetensors.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';

/** `trainer/state.json` of a checkpoint. */
interface ResumeState {
  readonly optimizerStep: number;
  readonly hasReference: boolean;
  /** Figures of the newest step, and of the final evaluation once there is one. */
  readonly metrics: Metrics;
  readonly templateDigest: string;
  /** The step was to be evaluated, and the stage was stopped before. */
  readonly evaluationDue?: boolean;
}

const stateFile = 'trainer/state.json';
/** Optimizer moments and the reference policy: only in checkpoints that a stage may go on from. */
const tensorsFile = 'trainer/resume.safetensors';

interface WriteOptions {
  /** The stage is done: nothing will go on from here. */
  readonly final: boolean;
  readonly metrics: Metrics;
  readonly evaluationDue?: boolean;
}

/** Writes what going on from a checkpoint needs beside the model, into its `trainer/`. */
export async function writeResumeState(
  policy: Policy,
  directory: string,
  { final, metrics, evaluationDue }: WriteOptions,
): Promise<void> {
  await mkdir(join(directory, 'trainer'), { recursive: true });
  const { step, m, v } = policy.engine.optimizerState();
  const { reference } = policy;
  const { templateDigest } = policy.tokenizer;
  const state: ResumeState = {
    optimizerStep: step,
    hasReference: reference !== undefined,
    metrics,
    templateDigest,
    ...(evaluationDue && { evaluationDue }),
  };
  await writeFile(join(directory, stateFile), JSON.stringify(state));
  if (final) return;
  const shape = [policy.engine.layout.size];
  await writeSafetensors(join(directory, tensorsFile), [
    { name: 'm', shape, values: m },
    { name: 'v', shape, values: v },
    ...(reference ? [{ name: 'reference', shape, values: reference }] : []),
  ]);
}

export async function readResumeState(checkpoint: string): Promise<ResumeState> {
  return JSON.parse(await readFile(join(checkpoint, stateFile), 'utf8')) as ResumeState;
}

/** Gives a policy the moments and the reference that a checkpoint holds. */
export async function restoreResumeState(policy: Policy, checkpoint: string, state: ResumeState): Promise<void> {
  const { engine } = policy;
  await using file = await SafetensorsFile.open(join(checkpoint, tensorsFile));
  const read = async (name: string): Promise<Float32Array> => {
    const values = new Float32Array(new SharedArrayBuffer(engine.layout.size * Float32Array.BYTES_PER_ELEMENT));
    await file.read(name, values);
    return values;
  };
  engine.restoreOptimizer({ step: state.optimizerStep, m: await read('m'), v: await read('v') });
  if (state.hasReference) policy.restoreReference(await read('reference'));
}
