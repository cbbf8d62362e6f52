import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openWeightFiles } from '../../trainer/checkpoint/weight-files.ts';
import { metricsName, resultName } from '../../trainer/contract/files/checkpoint.ts';
import type { StageResult } from '../../trainer/contract/files/progress.ts';
import type { Measured } from '../learning-claims.ts';

/** What a finished stage has left, as far as claims ask for it. */
export interface StageRecord {
  readonly metrics: Measured;
  /** Figures of every optimizer step, from the first on. */
  readonly steps: readonly Measured[];
  /** Names of the tensors of its checkpoint; none of rows. */
  readonly tensors: readonly string[];
  /** Where the completions of a sample stage went. */
  readonly funnel: { readonly sampled: number; readonly kept: number; readonly dropped: Measured } | undefined;
}

/** Finished stages of one run of a pipeline, by their names. */
export type RunRecord = ReadonlyMap<string, StageRecord>;

/**
 * Reads what a run has left.
 *
 * @param directory the local state of a pipeline
 * @param stages those that are asked for; one that is not finished is left out
 */
export async function readRun(directory: string, stages: readonly string[]): Promise<RunRecord> {
  const read = stages.map(async (name) => [name, await readStage(join(directory, 'volume', name))] as const);
  return new Map((await Promise.all(read)).flatMap(([name, stage]) => (stage === undefined ? [] : [[name, stage]])));
}

async function readStage(out: string): Promise<StageRecord | undefined> {
  const result = (await readJson(join(out, resultName))) as StageResult | undefined;
  if (result?.outcome !== 'succeeded') return undefined;
  const lines = await readFile(join(out, metricsName), 'utf8').catch(() => '');
  const all = lines.split('\n').filter((line) => line !== '');
  return {
    metrics: result.metrics,
    steps: all.map((line) => JSON.parse(line) as Measured).filter((line) => 'global_step' in line),
    tensors: await tensorsOf(out, result.checkpoint?.path),
    funnel: (await readJson(join(out, 'data/funnel.json'))) as StageRecord['funnel'],
  };
}

async function tensorsOf(out: string, checkpoint: string | undefined): Promise<string[]> {
  if (checkpoint === undefined || basename(checkpoint) === 'data') return [];
  await using files = await openWeightFiles(join(out, basename(checkpoint)));
  return [...files.fileOf.keys()].toSorted();
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}
