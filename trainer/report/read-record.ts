import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { readManifest } from '../checkpoint/manifest.ts';
import { checkedRowsName } from '../contract/settings/checked-rows.ts';
import { metricsName, resultName, samplesName } from '../contract/files/checkpoint.ts';
import { UserError } from '../contract/process/errors.ts';
import { stageResult } from '../contract/files/progress.ts';
import { stageTypes } from '../contract/settings/settings.ts';
import { readCheckedParts, readFunnel, readReview } from './data-files.ts';
import { readSamples, readSeries } from './jsonl.ts';
import type { CheckpointRecord, GateRecord, PipelineRecord, StageRecord } from './record.ts';
import { type Gate, type PipelineFile, pipelineFile, stageFileOfState } from './state-files.ts';

type PipelineStage = PipelineFile['spec']['stages'][number];

const samplesShown = 8;

/**
 * Reads the directory of a pipeline's local state (`.r1/<pipeline>`), whether it runs, has ended or was killed.
 *
 * @throws UserError when there is no pipeline, or its files are not ours
 */
export async function readRecord(directory: string): Promise<PipelineRecord> {
  const path = join(directory, 'pipeline.json');
  const pipeline = await readJson(path, pipelineFile);
  if (!pipeline) throw new UserError(`${path}: no such file; expected the state of a pipeline`);
  const { metadata, spec, status } = pipeline;
  return {
    name: metadata.name,
    state: status?.display?.state ?? 'Pending',
    message: status?.display?.message ?? '',
    seed: spec.seed,
    base: baseOf(spec.base),
    started: dateOf(status?.startedAt),
    finished: dateOf(status?.completedAt),
    stages: await Promise.all(spec.stages.map((stage) => readStage(directory, pipeline, stage))),
  };
}

async function readStage(directory: string, pipeline: PipelineFile, stage: PipelineStage): Promise<StageRecord> {
  const { name } = stage;
  const out = join(directory, 'volume', name);
  const [resource, result, series, samples, checked, funnel, review] = await Promise.all([
    readJson(join(directory, 'stages', `${name}.json`), stageFileOfState),
    readJson(join(out, resultName), stageResult),
    readSeries(join(out, metricsName)),
    readSamples(join(out, samplesName), samplesShown),
    readCheckedParts(join(out, checkedRowsName)),
    readFunnel(join(out, 'data/funnel.json')),
    readReview(join(out, 'data/review.json')),
  ]);
  const type = stageTypes.find((each) => stage[each] !== undefined) ?? 'unknown';
  const settings = type === 'unknown' ? {} : (stage[type] ?? {});
  const { status } = resource ?? {};
  // A stage does not know of itself that it waits for others, or that its manifest fits its work no more.
  const listed = pipeline.status?.stages.find((each) => each.name === name);
  return {
    name,
    type,
    settings,
    evaluation: resource?.spec.evaluation,
    state: listed?.state ?? status?.display?.state ?? 'Pending',
    message: listed?.message ?? status?.display?.message ?? '',
    attempts: status?.attempts.length ?? 0,
    seconds: status?.runSeconds,
    device: status?.display?.device,
    model: resource?.spec.model?.input?.stage ?? modelOf(stage, type),
    inputs: resource?.spec.inputs.map((input) => input.stage) ?? stagesNamed(settings, pipeline),
    checkpoint: await checkpointOf(out, status?.checkpoint ?? result?.checkpoint),
    metrics: result?.metrics ?? status?.metrics ?? {},
    warnings: result?.warnings ?? status?.warnings ?? [],
    gate: gateOf(stage, pipeline),
    series,
    samples,
    checked,
    funnel,
    review,
  };
}

function baseOf(base: PipelineFile['spec']['base']): string | undefined {
  if (base?.path !== undefined) return base.path;
  if (base?.hf) return `${base.hf.repo} (${base.hf.revision})`;
  if (base?.pvc) return `claim ${base.pvc.claim}`;
  return base?.init && `random weights, ${base.init.architecture}`;
}

function modelOf({ model }: PipelineStage, type: string): string | undefined {
  if (type === 'review') return undefined;
  if (model === undefined) return 'base';
  return model.from ?? ('init' in model ? 'fresh weights' : 'a model of its own');
}

/** Fields of the settings that may hold names of stages, beside datasets. */
const referenceFields = new Set(['data', 'prompts', 'pairs', 'labelled', 'compareWith', 'rewardModel', 'from']);

/** Stages that a stage will use once it is created. */
function stagesNamed(settings: StageRecord['settings'], { spec }: PipelineFile): string[] {
  const names = new Set(spec.stages.map(({ name }) => name));
  const found = (value: unknown, field: string): string[] => {
    if (typeof value === 'string') return referenceFields.has(field) && names.has(value) ? [value] : [];
    if (Array.isArray(value)) return value.flatMap((item) => found(item, field));
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => found(inner, key));
  };
  return [...new Set(found(settings, ''))];
}

async function checkpointOf(
  out: string,
  checkpoint: { path: string; step: number; digest: string } | undefined,
): Promise<CheckpointRecord | undefined> {
  if (!checkpoint) return undefined;
  // Its directory alone: the state may have been moved since.
  const onDisk = await readManifest(join(out, basename(checkpoint.path))).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  const { step, digest } = checkpoint;
  return { step, digest, manifest: onDisk?.manifest, matches: onDisk?.digest === digest };
}

function gateOf({ name, gate }: PipelineStage, { status }: PipelineFile): GateRecord | undefined {
  if (!gate) return undefined;
  const decision = status?.gates.find(({ stage }) => stage === name);
  return { rule: ruleOf(gate), action: decision?.action, message: decision?.message ?? '' };
}

function ruleOf({ metric, atLeast, atMost, notBelow }: Gate): string {
  if (metric === undefined) return 'approval of a person';
  if (atLeast !== undefined) return `${metric} ≥ ${atLeast}`;
  if (atMost !== undefined) return `${metric} ≤ ${atMost}`;
  if (notBelow) return `${metric} ≥ that of ${notBelow.stage}${notBelow.by > 0 ? ` − ${notBelow.by}` : ''}`;
  return `${metric}, for a person to judge`;
}

/** @returns undefined when there is no such file */
async function readJson<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${path}: is not a file that r1 wrote: ${(error as Error).message}`, { cause: error });
  }
}

function dateOf(time: string | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
