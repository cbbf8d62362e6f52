import { isDeepStrictEqual } from 'node:util';
import { chatOver, type ChatSettings } from '../../../trainer/contract/settings/chat.ts';
import type { DatasetSettings } from '../../../trainer/contract/settings/dataset.ts';
import { judgesBesideRewards } from '../../../trainer/contract/settings/judge.ts';
import {
  mapRewardFiles,
  mapVerifierFile,
  rewardFiles,
  verifierFiles,
} from '../../../trainer/contract/settings/reward-files.ts';
import type { Device } from '../../../trainer/contract/settings/device.ts';
import type { StageFile } from '../../../trainer/contract/settings/stage-file.ts';
import type { Precision } from '../../../trainer/contract/settings/training.ts';
import { apiVersion, labels } from '../../api/resources/metadata.ts';
import { placementShape } from '../../api/resources/scheduling.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import { stageType, type PipelineStage } from '../../api/resources/pipeline-stage.ts';
import type { FileContents, R1Stage, ResolvedModel, StageInput, StageSpec } from '../../api/resources/stage.ts';
import { markAsked } from '../asked-for.ts';
import { stageObjectName } from '../names.ts';
import { evaluationOf, trainedOn } from '../../api/evaluation-plan.ts';
import { retryPolicy } from '../retry.ts';
import { sortedKeys } from '../sorted-keys.ts';

/** Names of datasets and of stages that a stage's settings name, in the order of the settings, each once. */
function namesIn(stage: PipelineStage, pipeline: R1Pipeline): string[] {
  const { pretrain, grpo, sft, sample, rewardModel, review, evaluate } = stage;
  return [
    ...new Set([
      ...(pretrain?.data ?? []),
      ...(grpo?.prompts ?? []),
      ...(grpo?.guard?.data ?? []),
      ...(grpo?.rewards ?? []).flatMap(({ rewardModel: reward, judge }) => reward?.from ?? judge?.from ?? []),
      ...(grpo?.curriculum?.from === undefined ? [] : [grpo.curriculum.from]),
      ...(grpo?.guard?.rewardModel === undefined ? [] : [grpo.guard.rewardModel.from]),
      ...(grpo?.distillation === undefined ? [] : [grpo.distillation.from]),
      ...(sft?.data ?? []),
      ...(sample?.prompts ?? []),
      ...(sample?.decontaminate ?? []),
      ...(sample?.rewardModel === undefined ? [] : [sample.rewardModel]),
      ...judgesBesideRewards({ grpo, sample }).flatMap(({ from }) => from ?? []),
      ...(rewardModel?.pairs ?? []),
      ...(rewardModel?.labelled ?? []),
      ...(rewardModel?.compareWith === undefined ? [] : [rewardModel.compareWith]),
      ...(review === undefined ? [] : [review.data, ...comparedByFile(review.data, pipeline)]),
      ...(evaluate?.data ?? []),
      ...(evaluationOf(stage, pipeline)?.data ?? []),
    ]),
  ];
}

/** Datasets of a sample stage's prompts whose answers a file of their own compares: an edit is verified as the row was. */
function comparedByFile(sampled: string, { spec }: R1Pipeline): string[] {
  const prompts = spec.stages.find(({ name }) => name === sampled)?.sample?.prompts ?? [];
  return spec.datasets.flatMap(({ name, answer }) =>
    prompts.includes(name) && answer?.verifier !== undefined ? [name] : [],
  );
}

/** Stages whose output this one uses, in the order of the pipeline. */
export function inputStages(stage: PipelineStage, pipeline: R1Pipeline): string[] {
  const named = new Set(namesIn(stage, pipeline));
  if (stage.model?.from !== undefined) named.add(stage.model.from);
  return pipeline.spec.stages.map(({ name }) => name).filter((name) => named.has(name));
}

/**
 * A name in a stage that stands for no dataset and for no stage above it, in words. An API server refuses such a pipeline,
 * but only once it knows the admission policy.
 */
export function lostName(pipeline: R1Pipeline): string | undefined {
  const known = new Set(pipeline.spec.datasets.map(({ name }) => name));
  for (const [at, stage] of pipeline.spec.stages.entries()) {
    const { model, gate, requires = [] } = stage;
    const required = requires.map((each) => each.stage);
    const names = [model?.from, gate?.notBelow?.stage, ...required, ...namesIn(stage, pipeline)];
    const lost = names.find((name) => name !== undefined && !known.has(name));
    if (lost !== undefined) return `spec.stages[${at}]: found "${lost}", expected a dataset or an earlier stage`;
    known.add(stage.name);
  }
  return undefined;
}

/** Some stages and all that use what they give, in the order of the pipeline. */
export function stagesAfter(pipeline: R1Pipeline, firsts: readonly string[]): string[] {
  const affected = new Set(firsts);
  for (const stage of pipeline.spec.stages) {
    if (inputStages(stage, pipeline).some((name) => affected.has(name))) affected.add(stage.name);
  }
  return pipeline.spec.stages.map(({ name }) => name).filter((name) => affected.has(name));
}

/** What earlier stages give. */
export interface Outputs {
  /** The model that takes the place of this stage's, after its gate. */
  model(stage: string): ResolvedModel;
  /** Rows or a reward model. */
  data(stage: string): StageInput;
}

/** The model that a stage starts from. */
export function startingModel(stage: PipelineStage, pipeline: R1Pipeline, outputs: Outputs): ResolvedModel | undefined {
  if (stage.review !== undefined) return undefined;
  const { from, ...source } = stage.model ?? {};
  if (from !== undefined) return outputs.model(from);
  return stage.model === undefined ? pipeline.spec.base : source;
}

/** The R1Stage of a stage whose inputs are all there: everything resolved, inputs pinned by digest. */
export function resolveStage(
  pipeline: R1Pipeline,
  stage: PipelineStage,
  outputs: Outputs,
  contents?: FileContents,
): R1Stage {
  const { metadata, spec } = pipeline;
  const { defaults } = spec;
  const named = namesIn(stage, pipeline);
  const type = stageType(stage);
  const model = startingModel(stage, pipeline, outputs);
  const evaluation = evaluationOf(stage, pipeline);
  const chat = chatOver(defaults.chat, stage.chat);
  const learned = trainedOn(stage, pipeline);
  const stages = new Set(spec.stages.map(({ name }) => name));
  const { rolloutWorkers, budget, deadlineSeconds, startDeadlineSeconds } = stage;

  const datasets = spec.datasets.filter(({ name }) => named.includes(name));
  const read = contents?.datasets.filter(({ dataset }) => named.includes(dataset)) ?? [];
  const resolved: StageSpec = {
    pipeline: metadata.name,
    stage: stage.name,
    suspend: spec.suspend,
    seed: spec.seed,
    storage: spec.storage,
    volumes: spec.volumes,
    imagePullSecrets: spec.imagePullSecrets,
    [type]: stage[type],
    datasets,
    inputs: named.filter((name) => stages.has(name)).map((name) => outputs.data(name)),
    rolloutWorkers,
    retry: retryPolicy(stage.retry, defaults.retry),
    ...defined({
      contents: read.length === 0 ? undefined : read,
      rewardContents:
        contents && contentsOf([...new Set([...rewardFiles(stage), ...verifierFiles(datasets)])], contents.rewards),
      templateContent: model && contents?.templates[chat.templateFile ?? ''],
      image: spec.image,
      model,
      chat: model === undefined || Object.keys(chat).length === 0 ? undefined : chat,
      evaluation,
      precision: model && precisionOf(stage, pipeline),
      trainedOn: learned.length === 0 ? undefined : learned,
      budget,
      deadlineSeconds,
      startDeadlineSeconds,
      ...placementOf(stage, defaults),
    }),
  };
  return asBefore(stage, {
    apiVersion,
    kind: 'R1Stage',
    metadata: {
      name: stageObjectName(metadata.name, stage.name),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: { [labels.pipeline]: metadata.name, [labels.stage]: stage.name, [labels.type]: type },
    },
    spec: resolved,
  });
}

function contentsOf(files: readonly string[], contents: FileContents['rewards']): StageSpec['rewardContents'] {
  if (files.length === 0) return undefined;
  return files.flatMap((file) => (contents[file] === undefined ? [] : [{ file, content: contents[file] }]));
}

const resolvedLast = new WeakMap<PipelineStage, { readonly stage: R1Stage; readonly marked: R1Stage }>();

/** Marked as what its pipeline asks for; the very object of the last pass where that is still so, since its digests are known by then. */
function asBefore(of: PipelineStage, stage: R1Stage): R1Stage {
  const last = resolvedLast.get(of);
  if (last !== undefined && isDeepStrictEqual(last.stage, stage)) return last.marked;
  const marked = markAsked(stage);
  resolvedLast.set(of, { stage, marked });
  return marked;
}

/** What is not f32, which is the precision where none is named. */
function precisionOf({ precision }: PipelineStage, { spec }: R1Pipeline): Precision | undefined {
  const asked = precision ?? spec.defaults.precision;
  return asked === 'f32' ? undefined : asked;
}

/** Where and how its pods run: every field of its own replaces that of the defaults. */
function placementOf(stage: PipelineStage, defaults: R1Pipeline['spec']['defaults']): Partial<StageSpec> {
  const fields = Object.keys(placementShape).filter((field) => field !== 'retry') as (keyof typeof placementShape)[];
  return Object.fromEntries(fields.map((field) => [field, stage[field] ?? defaults[field]]));
}

/** What a shell knows about places. */
export interface Places {
  /** A path of the manifest, absolute. */
  resolve(path: string): string;
  /** A directory written by a stage, absolute. */
  input(input: StageInput): string;
  /** The directory of a model on the Hub or on another claim. */
  fetched(model: ResolvedModel): string;
  /** The attempt's own directory; it is the stage's where attempts share one. */
  readonly out: string;
  readonly takeOver?: StageFile['takeOver'];
  readonly goneRuns?: StageFile['goneRuns'];
  readonly rollout?: StageFile['rollout'];
  readonly workers?: number | undefined;
  readonly device?: Device | undefined;
}

/** The file that tells the trainer all it needs. */
export function stageFile({ spec }: R1Stage, attempt: number, places: Places): StageFile {
  const type = stageType(spec);
  const workers = places.workers ?? spec.workers;
  const device = places.device ?? spec.device;
  const pin = (input: StageInput) => ({ stage: input.stage, path: places.input(input), digest: input.digest });
  return {
    pipeline: spec.pipeline,
    stage: spec.stage,
    attempt,
    seed: spec.seed,
    settings: mapRewardFiles({ [type]: spec[type] }, (file) => places.resolve(file)),
    ...(spec.model === undefined ? {} : { model: modelOfFile(spec.model, places, pin) }),
    ...(spec.chat === undefined ? {} : { chat: sortedKeys(placeChat(spec.chat, places)) }),
    datasets: spec.datasets.map((each) => placeDataset(each, places)),
    inputs: Object.fromEntries(spec.inputs.map((input) => [input.stage, pin(input)])),
    ...(spec.evaluation === undefined ? {} : { evaluation: spec.evaluation }),
    ...(spec.precision === undefined ? {} : { precision: spec.precision }),
    ...(spec.trainedOn === undefined ? {} : { trainedOn: spec.trainedOn }),
    out: places.out,
    ...(places.takeOver === undefined ? {} : { takeOver: places.takeOver }),
    ...(places.goneRuns === undefined ? {} : { goneRuns: places.goneRuns }),
    ...(places.rollout === undefined ? {} : { rollout: places.rollout }),
    ...(device === undefined ? {} : { device }),
    keepLast: spec.storage.keepLast,
    ...(workers === undefined ? {} : { workers }),
  };
}

function modelOfFile(
  model: ResolvedModel,
  places: Places,
  pin: (input: StageInput) => NonNullable<StageFile['model']>['input'],
): NonNullable<StageFile['model']> {
  if (model.init !== undefined) return { init: model.init };
  if (model.input !== undefined) return { input: pin(model.input) };
  if (model.path !== undefined) return { path: places.resolve(model.path) };
  return { path: places.fetched(model) };
}

function placeChat({ templateFile, ...chat }: ChatSettings, places: Places): ChatSettings {
  return templateFile === undefined ? chat : { ...chat, templateFile: places.resolve(templateFile) };
}

function placeDataset(dataset: DatasetSettings, places: Places): DatasetSettings {
  const { file, heldOut } = dataset;
  return {
    ...mapVerifierFile(dataset, (path) => places.resolve(path)),
    ...(file === undefined ? {} : { file: places.resolve(file) }),
    ...(heldOut?.file === undefined ? {} : { heldOut: { ...heldOut, file: places.resolve(heldOut.file) } }),
  };
}

/** Without the properties that are undefined, so that what is absent stays absent. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
